// Dictionaries of mini-block pages: the page's values are indices into a list of items.
//
// Columns of Arrow dictionary type keep the indices as keys; for all other columns it is a
// compression, and the items are put in the values' place.
#pragma once

#include <memory>

#include <arrow/array.h>

#include "encoding/codec.h"
#include "encoding/leaf_builder.h"

namespace pilum::encoding {

/// Reads `out.size()` unsigned integers of 8, 16, 32 or 64 `bits`.
void LoadIndices(const std::byte* indices, uint64_t bits, std::span<uint64_t> out);

/// A decoded dictionary. Immutable.
struct PageDictionary {
  std::shared_ptr<arrow::Buffer> storage;  ///< what `items` points into, with the arena
  std::shared_ptr<Arena> arena;
  Values items;
  uint64_t num_items = 0;
  std::shared_ptr<arrow::Array> array;  ///< in place of `items`, for columns of dictionary type

  size_t memory_bytes() const;

  /// Puts the items that indices [first, first + n) of `indices` (of `bits` bits) stand for. `def`
  /// has the definition level of each of all the indices, or is empty: an index out of range is
  /// allowed only under a null.
  arrow::Status PutItems(const Values& indices, uint64_t bits, std::span<const uint16_t> def,
                         int64_t slot, uint64_t first, uint64_t n, Arena* scratch,
                         LeafBuilder* builder) const;
};

class DictionaryDecoder {
 public:
  /// `index_shape` is what the page's values decode to.
  static arrow::Result<std::unique_ptr<DictionaryDecoder>> Make(const Wire& wire,
                                                                uint64_t num_items,
                                                                const ValueShape& index_shape,
                                                                const LeafType& type);
  arrow::Result<PageDictionary> Decode(Bytes bytes) const;

 private:
  DictionaryDecoder() = default;

  std::unique_ptr<BlockDecoder> block_;
  uint64_t num_items_ = 0;
  std::shared_ptr<arrow::DataType> array_type_;  // of Arrow dictionary columns
};

}  // namespace pilum::encoding
