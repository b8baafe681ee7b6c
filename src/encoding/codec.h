// Codecs: how the values of a page are compressed, in storage versions 2.1 and 2.2.
//
// The format uses an encoding in up to three roles, and a codec has a decoder for each role it may
// play:
//
//   mini-block   a chunk of some thousand values in a few buffers; always decoded whole
//   block        an opaque buffer whose number of values is known (levels, dictionaries)
//   per value    one variable-width value by itself (full-zip pages)
//
// Encodings nest (General around Fsst around Variable…), so a decoder is a small tree, made once
// per page from the page's descriptor and then used for every chunk. Decoders are immutable and
// thread-safe; scratch memory comes from the caller's arena.
//
// Adding one: a folder with its codec, one line in codec_table.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/status.h>

#include "bytes/arena.h"
#include "bytes/byte_range.h"
#include "bytes/byte_reader.h"
#include "lance/encodings21.pb.h"

namespace pilum::encoding {

using bytes::Arena;
using bytes::Bytes;
using Wire = lance::encodings21::CompressiveEncoding;

/// What values look like when decoded.
struct ValueShape {
  bool variable = false;  ///< offsets and bytes; otherwise fixed width
  uint64_t bits = 0;      ///< per value, if fixed: 1 or a multiple of 8, times the list sizes
  std::vector<uint64_t> list_sizes;  ///< of nested fixed-size lists, outermost first
  std::vector<uint64_t> fields;      ///< of packed rows: bits per field, 0 if variable

  bool operator==(const ValueShape&) const = default;
};

/// Decoded values: views into the input or into the arena.
struct Values {
  Bytes fixed;                        ///< ceil(n * bits / 8) bytes at least
  std::span<const uint32_t> offsets;  ///< variable: n + 1 ascending offsets into `bytes`
  Bytes bytes;
  /// Per list level, outermost first: one bit per item, or empty when all are valid. Absent if
  /// there are no fixed-size lists.
  std::vector<Bytes> item_validity;
};

class MiniBlockDecoder {
 public:
  virtual ~MiniBlockDecoder() = default;
  virtual ValueShape shape() const = 0;
  virtual uint64_t num_buffers() const { return 1; }
  /// Whether the bytes of variable-width values are views into the chunk's buffers.
  virtual bool stable() const { return false; }
  /// Whether a chunk costs about as much to decode for one value as for all.
  virtual bool all_or_nothing() const { return false; }

  /// Decodes a whole chunk of `n` values. If fixed-width values have to be materialised and `into`
  /// is not null, they are written there (shape().bits * n bits, rounded up to bytes); otherwise in
  /// the arena.
  virtual arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                                       Arena* arena) const = 0;

  /// The same where only values [first, first + count) are looked at; others may be anything.
  virtual arrow::Result<Values> DecodePart(std::span<const Bytes> buffers, uint32_t n,
                                           uint32_t first, uint32_t count, Arena* arena) const {
    return Decode(buffers, n, nullptr, arena);
  }

  /// Values [i, i + n) can often be had from a few bytes of a chunk's only value buffer. The bytes
  /// they need of a buffer of `size` bytes (padding included), or nothing if the whole buffer has
  /// to be decoded.
  virtual std::optional<bytes::ByteRange> PointRange(uint64_t size, uint64_t i, uint64_t n) const {
    return std::nullopt;
  }
  /// Those values, given exactly those bytes of a buffer of that size.
  virtual arrow::Result<Values> DecodePoints(Bytes bytes, uint64_t size, uint64_t i, uint64_t n,
                                             Arena* arena) const {
    return arrow::Status::NotImplemented("this encoding has no points");
  }
};

class BlockDecoder {
 public:
  virtual ~BlockDecoder() = default;
  virtual ValueShape shape() const = 0;
  virtual arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena* arena) const = 0;
};

class PerValueDecoder {
 public:
  virtual ~PerValueDecoder() = default;
  virtual ValueShape shape() const { return {.variable = true}; }
  /// The value stored as `encoded`. `stable` tells whether the result is a view into the input.
  virtual arrow::Result<Bytes> Decode(Bytes encoded, Arena* arena) const = 0;
  virtual bool stable() const { return false; }
};

/// Makes the decoders of nested encodings; `depth` guards against descriptors that nest without
/// end.
struct Codec {
  std::string_view name;
  Wire::CompressionCase wire_case;
  arrow::Result<std::unique_ptr<MiniBlockDecoder>> (*mini_block)(const Wire&, int depth) = nullptr;
  arrow::Result<std::unique_ptr<BlockDecoder>> (*block)(const Wire&, int depth) = nullptr;
  arrow::Result<std::unique_ptr<PerValueDecoder>> (*per_value)(const Wire&, int depth) = nullptr;
};

/// All codecs, one line each.
std::span<const Codec* const> AllCodecs();

/// Decoders for a descriptor from a file. kUnsupported names an encoding that is unknown or not
/// valid in the role; kCorruptData a descriptor that contradicts itself.
arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlockDecoder(const Wire& wire,
                                                                      int depth = 0);
arrow::Result<std::unique_ptr<BlockDecoder>> MakeBlockDecoder(const Wire& wire, int depth = 0);
arrow::Result<std::unique_ptr<PerValueDecoder>> MakePerValueDecoder(const Wire& wire,
                                                                    int depth = 0);

/// The name of the encoding a descriptor stands for, with what it nests: "general(zstd,
/// fsst(variable))".
std::string DescribeEncoding(const Wire& wire);

/// An error unless `bits` is a width the format uses for plain values: 1 or a multiple of 8 up to
/// 2^32.
arrow::Status CheckBits(uint64_t bits, std::string_view what);

}  // namespace pilum::encoding
