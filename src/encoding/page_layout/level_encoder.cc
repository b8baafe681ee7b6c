#include "encoding/page_layout/level_encoder.h"

#include <algorithm>
#include <bit>
#include <vector>

#include "encoding/bitpacking/bitpacking_encode.h"
#include "encoding/rle/rle_encode.h"
#include "encoding/rle/rle_page.h"

namespace pilum::encoding {
namespace {

constexpr uint32_t kLevelBits = 16;
constexpr uint64_t kRunBytes = 3;     // a level and a length
constexpr uint64_t kRunsHeader = 8;   // of each block of runs
constexpr double kWorthwhile = 0.75;  // packed levels are faster to read

}  // namespace

LevelEncoder::LevelEncoder(std::span<const uint16_t> levels, uint16_t max_level, uint64_t count,
                           bool runs_allowed)
    : width_(static_cast<uint32_t>(std::bit_width(max_level))) {
  if (!runs_allowed || levels.empty()) return;
  const uint64_t n = levels.size();
  const uint64_t runs = CountRuns(kLevelBits, std::as_bytes(levels).data(), n) + n / UINT8_MAX;
  const uint64_t blocks = (n + count - 1) / count;
  const uint64_t run_bytes = (runs + blocks) * kRunBytes + blocks * kRunsHeader;
  const uint64_t packed_bytes = blocks * OutOfLineBytes(kLevelBits, width_, std::min(count, n));
  runs_ = static_cast<double>(run_bytes) < kWorthwhile * static_cast<double>(packed_bytes);
}

Wire LevelEncoder::wire() const {
  return runs_ ? RleWire(kLevelBits) : OutOfLineBitpackingWire(kLevelBits, width_);
}

void LevelEncoder::Append(std::span<const uint16_t> levels, ByteWriter* out) const {
  if (!runs_) {
    EncodeOutOfLine(kLevelBits, width_, std::as_bytes(levels), levels.size(), out);
    return;
  }
  std::vector<std::byte> values, lengths;
  EncodeRuns(kLevelBits, std::as_bytes(levels).data(), levels.size(), &values, &lengths);
  out->Put(uint64_t{values.size()});
  out->Append(values);
  out->Append(lengths);
}

}  // namespace pilum::encoding
