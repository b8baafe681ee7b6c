// Encoders: how the values of a page are compressed when it is written.
//
// The counterpart of codec.h. An encoder is made for one page, whose values it has seen, and then
// encodes them chunk by chunk (mini-block) or one by one (per value).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/result.h>

#include "bytes/byte_writer.h"
#include "encoding/codec.h"

namespace pilum::encoding {

using bytes::ByteWriter;

/// What fills gaps between buffers; its value means nothing.
inline constexpr std::byte kFiller{0xFE};
inline constexpr uint64_t kMostChunkValues = 4096;
inline constexpr size_t kBufferAlignment = 8;  ///< inside chunks

class MiniBlockEncoder {
 public:
  virtual ~MiniBlockEncoder() = default;

  virtual Wire wire() const = 0;
  virtual uint64_t num_buffers() const { return 1; }
  /// How many values the chunk that begins with value `first` of n should hold: a power of two from
  /// 2 on, not above `most` where the encoding leaves a choice, or all that are left.
  virtual uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const = 0;
  /// Appends the buffers of values [first, first + n), each from a multiple of kBufferAlignment on,
  /// and their sizes.
  virtual arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                               std::vector<uint64_t>* sizes) const = 0;
};

/// One variable-width value by itself.
class PerValueEncoder {
 public:
  virtual ~PerValueEncoder() = default;
  virtual Wire wire() const = 0;
  virtual arrow::Status Encode(Bytes value, ByteWriter* out) const = 0;
};

/// The largest power of two that is at most `limit`, at least 2; `left` where that is not more.
uint32_t ChunkOf(uint64_t limit, uint64_t left);

}  // namespace pilum::encoding
