// Decoding of repetition and definition levels: a block encoding of 16-bit numbers, checked for
// range.
#pragma once

#include <memory>
#include <span>

#include "encoding/codec.h"

namespace pilum::encoding {

class LevelDecoder {
 public:
  /// No level may exceed `max`.
  static arrow::Result<std::unique_ptr<LevelDecoder>> Make(const Wire& wire, uint16_t max);
  /// Levels stored as plain u16.
  static std::unique_ptr<LevelDecoder> MakeRaw(uint16_t max);

  arrow::Result<std::span<const uint16_t>> Decode(Bytes bytes, uint64_t n, Arena* arena) const;

 private:
  LevelDecoder(std::unique_ptr<BlockDecoder> block, uint16_t max)
      : block_(std::move(block)), max_(max) {}

  std::unique_ptr<BlockDecoder> block_;  // null = raw
  uint16_t max_;
};

}  // namespace pilum::encoding
