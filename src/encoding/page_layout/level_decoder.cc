#include "encoding/page_layout/level_decoder.h"

#include <cstring>
#include <string>

namespace pilum::encoding {

arrow::Result<std::unique_ptr<LevelDecoder>> LevelDecoder::Make(const Wire& wire, uint16_t max) {
  ARROW_ASSIGN_OR_RAISE(auto block, MakeBlockDecoder(wire));
  if (block->shape() != ValueShape{.bits = 16})
    return bytes::Corrupt("levels that are not 16-bit numbers");
  return std::unique_ptr<LevelDecoder>(new LevelDecoder(std::move(block), max));
}

std::unique_ptr<LevelDecoder> LevelDecoder::MakeRaw(uint16_t max) {
  return std::unique_ptr<LevelDecoder>(new LevelDecoder(nullptr, max));
}

arrow::Result<std::span<const uint16_t>> LevelDecoder::Decode(Bytes bytes, uint64_t n,
                                                              Arena* arena) const {
  Bytes raw = bytes;
  if (block_) {
    ARROW_ASSIGN_OR_RAISE(Values values, block_->Decode(bytes, n, arena));
    raw = values.fixed;
  }
  if (raw.size() / 2 < n) return bytes::Truncated("levels", 0, n * 2, raw.size());
  const auto* levels = reinterpret_cast<const uint16_t*>(raw.data());
  if (reinterpret_cast<uintptr_t>(raw.data()) % alignof(uint16_t) != 0) {
    uint16_t* copy = arena->AllocateArray<uint16_t>(n);
    std::memcpy(copy, raw.data(), n * 2);
    levels = copy;
  }
  uint16_t highest = 0;
  for (uint64_t i = 0; i < n; ++i) highest = highest > levels[i] ? highest : levels[i];
  if (highest > max_) {
    return bytes::Corrupt("level " + std::to_string(highest) + " where the page has levels up to " +
                          std::to_string(max_));
  }
  return std::span<const uint16_t>(levels, n);
}

}  // namespace pilum::encoding
