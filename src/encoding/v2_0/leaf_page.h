// Pages of leaf columns in the 2.0 format.
//
// An ArrayEncoding is a tree over the page's buffers; for a leaf it comes down to one of
//
//   fixed        [validity] values          values may be fixed-size lists with item validity,
//                                           or rows of packed structs
//   binary       u64 ends | bytes           end >= null_adjustment: null; its end is what is left
//   dictionary   indices | items            strings: 0 is null, i >= 1 is item i - 1
//
// Buffers may be compressed as a whole; FSST compresses each value. What a page is read with is a
// LeafRead (leaf_read.h).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "encoding/fsst/fsst.h"
#include "encoding/leaf_builder.h"
#include "encoding/v2_0/buffer_read.h"

namespace pilum::encoding::v2_0 {

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

/// A parsed descriptor. Immutable, thread-safe.
class LeafPage {
 public:
  /// Checks that the page's encoding fits the column's type.
  static arrow::Result<LeafPage> Make(const WireArray& wire, std::span<const ByteRange> buffers,
                                      const LeafType& type);

  enum class Kind { kAllNull, kFixed, kBinary, kDictionary };
  /// The items of one level of fixed-size lists.
  struct ListLevel {
    uint64_t dimension = 0;
    uint64_t items = 0;  ///< per slot
    std::optional<FlatBuffer> validity;
  };

  Kind kind() const { return kind_; }
  const std::optional<FlatBuffer>& validity() const { return validity_; }
  /// Fixed values or dictionary indices; none if all items of the lists are null.
  const std::optional<FlatBuffer>& values() const { return values_; }
  /// Outermost first. Items of levels below these, if there are any, are all null.
  const std::vector<ListLevel>& lists() const { return lists_; }
  uint64_t items_per_slot() const { return lists_.empty() ? 1 : lists_.back().items; }
  const BinaryArray& binary() const { return binary_; }  ///< values, or the items of a dictionary
  /// Of a dictionary: items of fixed width, which of the items are valid, and how many there are.
  const std::optional<FlatBuffer>& fixed_items() const { return fixed_items_; }
  const std::optional<FlatBuffer>& item_validity() const { return item_validity_; }
  uint64_t num_items() const { return num_items_; }

 private:
  arrow::Status ParseValues(const WireArray& wire, std::span<const ByteRange> buffers,
                            const LeafType& type);
  arrow::Status ParseFixed(const WireArray& wire, std::span<const ByteRange> buffers,
                           const LeafType& type);
  arrow::Status ParsePackedStruct(const lance::encodings::PackedStruct& wire,
                                  std::span<const ByteRange> buffers, const LeafType& type);
  arrow::Result<const WireArray*> ParseLists(const WireArray& wire,
                                             std::span<const ByteRange> buffers);
  arrow::Status CheckLists(const LeafType& type) const;
  arrow::Status ParseDictionary(const lance::encodings::Dictionary& wire,
                                std::span<const ByteRange> buffers, const LeafType& type);
  arrow::Status ParseItems(const WireArray& wire, std::span<const ByteRange> buffers,
                           const LeafType& type);

  Kind kind_ = Kind::kAllNull;
  std::optional<FlatBuffer> validity_;
  std::optional<FlatBuffer> values_;
  std::vector<ListLevel> lists_;
  BinaryArray binary_;
  std::optional<FlatBuffer> fixed_items_;
  std::optional<FlatBuffer> item_validity_;
  uint64_t num_items_ = 0;
};

}  // namespace pilum::encoding::v2_0
