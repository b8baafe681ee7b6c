#include "encoding/page_layout/level_encoder.h"

#include <bit>

#include "encoding/bitpacking/bitpacking_encode.h"

namespace pilum::encoding {

constexpr uint32_t kLevelBits = 16;

LevelEncoder::LevelEncoder(uint16_t max_level)
    : width_(static_cast<uint32_t>(std::bit_width(max_level))) {}

Wire LevelEncoder::wire() const { return OutOfLineBitpackingWire(kLevelBits, width_); }

void LevelEncoder::Append(std::span<const uint16_t> levels, ByteWriter* out) const {
  EncodeOutOfLine(kLevelBits, width_, std::as_bytes(levels), levels.size(), out);
}

}  // namespace pilum::encoding
