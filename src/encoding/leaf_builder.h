// LeafBuilder: where the decoded values of one leaf column go.
//
// Values have slots. A flat column (no structure around the leaf) has one slot per row, known
// beforehand, and values may arrive in any order: that is how a take scatters rows straight to
// where they are delivered. A nested column appends slots and keeps its levels, from which the
// structure is assembled afterwards.
//
//   fixed width      written in place
//   variable width   appended if slots come in order; written in place if their lengths are known;
//                    otherwise remembered as views, and copied once, in slot order, when finished
//
// One owner, not thread-safe. All memory comes from the pool given.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/codec.h"
#include "encoding/levels.h"

namespace pilum::encoding {

/// What the column's Arrow type wants of its leaf.
struct LeafType {
  ValueShape shape;
  bool wide_offsets = false;  ///< variable: 64-bit offsets
  /// The column is an Arrow dictionary: values are keys of this many bits into page dictionaries.
  bool dictionary = false;
  std::shared_ptr<arrow::DataType> dictionary_type;  ///< of the dictionary's values

  bool operator==(const LeafType& other) const {
    return shape == other.shape && wide_offsets == other.wide_offsets &&
           dictionary == other.dictionary &&
           (!dictionary || dictionary_type->Equals(*other.dictionary_type));
  }
};

/// Consecutive rows of a page. Lists of runs ascend by first and last row; rows may repeat from run to
/// run.
struct Run {
  uint64_t row = 0;  ///< first, counted from the start of the page
  uint32_t count = 0;
  int64_t slot = 0;  ///< where the first one goes; ignored by nested columns, which append

  /// Its rows that are among [begin, end); there must be some.
  Run Within(uint64_t begin, uint64_t end) const {
    const uint64_t first = std::max(row, begin);
    return {first, static_cast<uint32_t>(std::min(row + count, end) - first),
            slot + static_cast<int64_t>(first - row)};
  }
};

/// The finished leaf.
struct LeafData {
  int64_t slots = 0;
  std::shared_ptr<arrow::Buffer> validity;  ///< flat columns; null = all valid
  int64_t null_count = 0;
  std::shared_ptr<arrow::Buffer> values;                      ///< fixed: values; variable: bytes
  std::shared_ptr<arrow::Buffer> offsets;                     ///< variable
  std::vector<std::shared_ptr<arrow::Buffer>> item_validity;  ///< per list level; null = all valid
  std::shared_ptr<arrow::Array> dictionary;
  std::vector<uint16_t> rep;  ///< nested columns with lists: one per entry
  std::vector<uint16_t> def;  ///< nested columns: one per entry, in the scheme's numbers
};

class LeafBuilder {
 public:
  /// A flat column of `slots` rows. With `in_order`, slots are put in ascending order without gaps.
  static arrow::Result<std::unique_ptr<LeafBuilder>> MakeFlat(const LeafType& type, int64_t slots,
                                                              bool in_order,
                                                              arrow::MemoryPool* pool);
  /// A nested column: slots are appended.
  static arrow::Result<std::unique_ptr<LeafBuilder>> MakeNested(const LeafType& type,
                                                                const LevelScheme& scheme,
                                                                arrow::MemoryPool* pool);

  const LeafType& type() const { return type_; }
  const LevelScheme& scheme() const { return scheme_; }
  bool nested() const { return nested_; }
  arrow::MemoryPool* pool() const { return pool_; }
  int64_t next_slot() const { return next_slot_; }  ///< nested: slots appended so far
  /// Nested: levels appended so far, in the scheme's numbers; no `rep` without lists.
  std::span<const uint16_t> rep() const { return rep_; }
  std::span<const uint16_t> def() const { return def_; }

  /// Nested: makes room for `n` more slots and returns the first.
  arrow::Result<int64_t> AppendSlots(int64_t n);
  /// Variable width in order: makes room for `n` more bytes at once.
  arrow::Status ReserveBytes(uint64_t n);
  /// Variable width, flat, not in order, before any value: how long the value of each slot is.
  arrow::Status SetLengths(std::span<const uint64_t> lengths);
  /// Where the value of a slot belongs, whose bytes may be written there directly. Nowhere, unless
  /// lengths were set.
  std::span<std::byte> PlaceOf(int64_t slot);

  /// Puts values [first, first + n) of `values` into slots from `slot` on. `stable` promises that
  /// the bytes of variable-width values outlive the builder's Finish.
  arrow::Status Put(int64_t slot, const Values& values, uint64_t first, uint64_t n, bool stable);
  /// Flat, fixed width: of `values`, which are of rows [begin, end), those that `runs` name. All of
  /// the runs reach into these rows, and may reach beyond them.
  arrow::Status PutRuns(std::span<const Run> runs, const Values& values, uint64_t begin,
                        uint64_t end);
  /// One variable-width value.
  arrow::Status PutBytes(int64_t slot, Bytes value, bool stable);
  /// The same value in n slots: shape().bits bits, or the bytes of a variable-width value.
  arrow::Status PutRepeated(int64_t slot, Bytes value, uint64_t n);
  /// The items that `index` names, one per slot; kNoItem is a slot without a value. Items of
  /// variable width are views that outlive Finish.
  static constexpr uint64_t kNoItem = ~uint64_t{0};
  arrow::Status PutGathered(int64_t slot, const Values& items, std::span<const uint64_t> index);
  /// n slots without a value: null by their level, or never looked at.
  arrow::Status PutNothing(int64_t slot, uint64_t n);

  /// Where n fixed-width values from `slot` on may be written directly; null if that cannot be
  /// (single bits that do not start at a byte).
  std::byte* DirectFixed(int64_t slot);

  /// Flat: marks slots as null where def != 0.
  arrow::Status PutValidity(int64_t slot, std::span<const uint16_t> def);
  /// The same as PutRuns: `def` is of the rows from `begin` on.
  arrow::Status PutValidity(std::span<const Run> runs, std::span<const uint16_t> def,
                            uint64_t begin);
  arrow::Status PutNulls(int64_t slot, uint64_t n);

  /// Nested: levels of further entries, in the page's numbers; empty `rep` or `def` stands for "row
  /// start" and "valid" n times.
  arrow::Status AppendLevels(const PageLevels& page, std::span<const uint16_t> rep,
                             std::span<const uint16_t> def, uint64_t n);
  /// Nested: n rows that are null at the outermost layer.
  arrow::Status AppendNullRows(uint64_t n);

  /// Dictionary columns: the values that follow are keys into `dictionary`.
  arrow::Status UseDictionary(const std::shared_ptr<arrow::Array>& dictionary);

  arrow::Result<LeafData> Finish();

 private:
  LeafBuilder(const LeafType& type, const LevelScheme& scheme, bool nested, bool in_order,
              arrow::MemoryPool* pool);

  arrow::Status GrowSlots(int64_t slots);
  bool has_item_validity(const Values& values) const;
  arrow::Status PutItemValidity(int64_t slot, const Values& values, uint64_t first, uint64_t n);
  arrow::Status PutFixed(int64_t slot, Bytes fixed, uint64_t first, uint64_t n);
  arrow::Status PutVariableInOrder(const Values& values, uint64_t first, uint64_t n);
  arrow::Status GatherVariableInOrder(const Values& items, std::span<const uint64_t> index);
  template <typename Offset>
  arrow::Status GatherBytes(const Values& items, std::span<const uint64_t> index);
  arrow::Status TranslateKeys(int64_t slot, uint64_t n);
  arrow::Status EndOffsets(uint64_t n);
  arrow::Status FinishInOrder(LeafData* data);
  arrow::Status FinishScattered(LeafData* data);
  arrow::Result<uint8_t*> Bitmap(std::shared_ptr<arrow::ResizableBuffer>* bitmap, int64_t bits);

  LeafType type_;
  LevelScheme scheme_;
  bool nested_;
  bool in_order_;
  arrow::MemoryPool* pool_;

  int64_t capacity_ = 0;  // slots
  int64_t next_slot_ = 0;
  std::shared_ptr<arrow::ResizableBuffer> validity_;
  std::vector<std::shared_ptr<arrow::ResizableBuffer>> item_validity_;
  std::shared_ptr<arrow::ResizableBuffer> values_;  // fixed, or the bytes of variable values
  std::shared_ptr<arrow::ResizableBuffer>
      offsets_;  // variable: as wide as the type asks; scattered: null until lengths are known
  int64_t num_offsets_ = 0;
  uint64_t bytes_used_ = 0;
  std::vector<Bytes> views_;  // variable, scattered
  Arena copies_;              // of unstable values among them
  std::vector<uint16_t> rep_;
  std::vector<uint16_t> def_;
  std::unique_ptr<arrow::DictionaryUnifier> unifier_;
  std::shared_ptr<arrow::Array> dictionary_;
  std::shared_ptr<arrow::Buffer>
      key_map_;  // int32 per key of the current dictionary; null = identity
  int64_t dictionary_length_ = 0;
};

}  // namespace pilum::encoding
