// Buffers of pages in the 2.0 format, and reading what is wanted of them.
//
//   Want(values)… ─► Request ─► byte ranges ─► fetch ─► Accept ─► Get(values)…
//
// Values are wanted in ascending order and got in the same order. Of a plain buffer what is wanted
// is fetched, near neighbours as one; a compressed buffer is fetched and decompressed whole, once
// for all of its values. Reads have one owner and are not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <arrow/result.h>
#include <arrow/status.h>

#include "bytes/arena.h"
#include "bytes/byte_range.h"
#include "bytes/byte_reader.h"
#include "encoding/general/general.h"
#include "lance/encodings.pb.h"

namespace pilum::encoding::v2_0 {

using bytes::Arena;
using bytes::ByteRange;
using bytes::Bytes;
using WireArray = lance::encodings::ArrayEncoding;

/// Consecutive slots of a page.
struct SlotRange {
  uint64_t first = 0;
  uint64_t count = 0;
};

/// Fixed-width values in one buffer of a page.
struct FlatBuffer {
  ByteRange range;
  uint64_t bits = 0;  ///< per value
  std::optional<CompressionScheme> compression;
};

arrow::Result<FlatBuffer> ParseBuffer(const lance::encodings::Flat& flat,
                                      std::span<const ByteRange> buffers);

/// Where buffer `wire` of the page is.
arrow::Result<ByteRange> FindBuffer(const lance::encodings::Buffer& wire,
                                    std::span<const ByteRange> buffers);

class BufferRead {
 public:
  explicit BufferRead(const FlatBuffer& buffer) : buffer_(buffer) {}

  /// `first` ascends from call to call; values may be wanted more than once.
  void Want(uint64_t first, uint64_t count);
  /// Appends what has to be fetched. An error if the buffer is known to be too short.
  arrow::Status Request(std::vector<ByteRange>* ranges) const;
  /// Takes its bytes from the front of those fetched; they must outlive the values got.
  arrow::Status Accept(std::span<const Bytes>* fetched, Arena* arena);
  /// Values that were wanted, the first one at the first bit; copied to the arena if it has to be.
  Bytes Get(uint64_t first, uint64_t count, Arena* arena);

  /// Bytes in the buffer, after Accept: decompressed.
  uint64_t total_bytes() const;
  /// `status` with the place of the buffer.
  arrow::Status Context(const arrow::Status& status) const;

 private:
  /// Values fetched together.
  struct Part {
    uint64_t first = 0;
    uint64_t end = 0;
    Bytes bytes;  // from the byte on in which the first value begins
  };

  arrow::Status CheckEnd(const Part& part, uint64_t size) const;

  FlatBuffer buffer_;
  std::vector<Part> parts_;
  size_t part_ = 0;  // from which values are got
};

/// The ends of variable-width values, or of lists: u64 each, of which those from an adjustment on
/// mark a null that ends at what is left.
class EndsRead {
 public:
  EndsRead(const FlatBuffer& ends, uint64_t null_adjustment)
      : ends_(ends), null_adjustment_(null_adjustment) {}

  void Want(std::span<const SlotRange> slots);
  arrow::Status Request(std::vector<ByteRange>* ranges) const { return ends_.Request(ranges); }
  /// `slots` are those that were wanted.
  arrow::Status Parse(std::span<const SlotRange> slots, std::span<const Bytes>* fetched,
                      Arena* arena);
  /// An error if values end beyond all there is, or the adjustment marks values that are none.
  arrow::Status CheckTotal(uint64_t total) const;

  /// For each range of slots, one after another: where the first slot begins, and where each ends.
  std::span<const uint64_t> positions() const { return positions_; }
  /// Per slot: 1 = null.
  std::span<const uint16_t> def() const { return def_; }

 private:
  bool ParseRange(Bytes stored, bool has_before, std::span<uint64_t> positions,
                  std::span<uint16_t> def) const;

  BufferRead ends_;
  uint64_t null_adjustment_;
  std::vector<uint64_t> positions_;
  std::vector<uint16_t> def_;
  uint64_t largest_ = 0;
};

}  // namespace pilum::encoding::v2_0
