// Pages of leaf columns in the 2.0 format.
//
// An ArrayEncoding is a tree over the page's buffers; for a leaf it comes down to one of
//
//   fixed        [validity] values                 values may be fixed-size lists with item
//   validity binary       u64 ends | bytes                  end >= null_adjustment: null; its end
//   is what is left dictionary   indices | items                   strings: 0 is null, i >= 1 is
//   item i - 1
//
// Reading takes two rounds, because only the ends say which bytes of a binary page are wanted.
// Buffers may be compressed as a whole; FSST compresses each value.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "bytes/byte_range.h"
#include "encoding/fsst/fsst.h"
#include "encoding/general/general.h"
#include "encoding/leaf_builder.h"
#include "lance/encodings.pb.h"

namespace pilum::encoding::v2_0 {

using bytes::ByteRange;
using WireArray = lance::encodings::ArrayEncoding;

/// Fixed-width values in one buffer of a page.
struct FlatBuffer {
  ByteRange range;
  uint64_t bits = 0;
  std::optional<CompressionScheme> compression;

  /// The bytes needed for values [first, first + count): part of the buffer, or all if it is
  /// compressed.
  ByteRange RangeOf(uint64_t first, uint64_t count) const;
  /// Those values, starting at a byte, given the bytes of RangeOf. May be a view.
  arrow::Result<Bytes> Align(Bytes fetched, uint64_t first, uint64_t count, Arena* arena) const;
};

/// The flat buffer an encoding stands for, with its null wrappers removed: `validity` is set if it
/// may have nulls, `all_null` if it has nothing else.
struct FlatArray {
  FlatBuffer values;
  std::optional<FlatBuffer> validity;
  bool all_null = false;
};
arrow::Result<FlatArray> ParseFlat(const WireArray& wire, std::span<const ByteRange> buffers);

/// Strings or binary values of one page.
struct BinaryArray {
  FlatBuffer ends;
  FlatBuffer bytes;
  uint64_t null_adjustment = 0;
  std::optional<FsstTable> fsst;
};

/// Immutable, thread-safe.
class LeafPage {
 public:
  /// Checks that the page's encoding fits the column's type.
  static arrow::Result<LeafPage> Make(const WireArray& wire, std::span<const ByteRange> buffers,
                                      const LeafType& type);

  /// What has to be fetched for slots [first, first + count), first round.
  void FirstRanges(uint64_t first, uint64_t count, std::vector<ByteRange>* ranges) const;
  /// Second round, given the bytes of the first; nothing for most pages.
  arrow::Status SecondRanges(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                             std::vector<ByteRange>* ranges) const;
  /// Puts the slots into a flat builder.
  arrow::Status Decode(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                       std::span<const Bytes> second, int64_t slot, Arena* arena,
                       LeafBuilder* builder) const;

 private:
  enum class Kind { kAllNull, kFixed, kBinary, kDictionary };
  struct ListLevel {
    uint64_t cumulative_items;
    std::optional<FlatBuffer> item_validity;
  };

  arrow::Status ParseValues(const WireArray& wire, std::span<const ByteRange> buffers,
                            const LeafType& type);
  arrow::Status ParseFixedSizeList(const WireArray& wire, std::span<const ByteRange> buffers);
  arrow::Status ParseDictionary(const lance::encodings::Dictionary& wire,
                                std::span<const ByteRange> buffers, const LeafType& type);
  arrow::Status DecodeFixed(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                            int64_t slot, Arena* arena, LeafBuilder* builder) const;
  arrow::Status DecodeBinary(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                             Bytes bytes, int64_t slot, Arena* arena, LeafBuilder* builder) const;
  /// The items of a dictionary page; def has 1 for those that are null.
  struct Items {
    Values values;
    std::span<const uint16_t> def;
  };
  arrow::Result<Items> ReadItems(std::span<const Bytes> fetched, Arena* arena) const;
  arrow::Status DecodeKeys(Bytes keys, uint64_t count, const Items& items, int64_t slot,
                           Arena* arena, LeafBuilder* builder) const;
  arrow::Status DecodeDictionary(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                                 int64_t slot, Arena* arena, LeafBuilder* builder) const;

  Kind kind_ = Kind::kAllNull;
  std::optional<FlatBuffer> validity_;
  FlatBuffer values_;  // fixed values or dictionary indices
  std::vector<ListLevel> lists_;
  BinaryArray binary_;                     // values, or the items of a dictionary
  std::optional<FlatBuffer> fixed_items_;  // of a dictionary of fixed-width values
  std::optional<FlatBuffer> item_validity_;
  uint64_t num_items_ = 0;
};

/// The ends and nulls of binary values or lists: converts `count` stored u64, of which `before` are
/// preceded by another one in `stored`, to positions. `adjustment` marks nulls; ends may not exceed
/// `limit`.
struct Ends {
  std::span<const uint64_t> positions;  ///< count + 1, ascending
  std::span<const uint16_t> def;        ///< 1 = null
};
arrow::Result<Ends> ReadEnds(Bytes stored, bool has_previous, uint64_t count, uint64_t adjustment,
                             uint64_t limit, Arena* arena);

}  // namespace pilum::encoding::v2_0
