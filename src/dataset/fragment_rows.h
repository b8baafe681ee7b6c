// Which rows of a fragment live, and what their ids are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "dataset/manifest.h"
#include "pilum/storage.h"

namespace pilum::dataset {

/// The deleted offsets of one fragment, ascending. Immutable, thread-safe.
class DeletionVector {
 public:
  DeletionVector() = default;
  /// `sorted` ascending without repeats.
  explicit DeletionVector(std::vector<uint32_t> sorted) : offsets_(std::move(sorted)) {}

  bool empty() const { return offsets_.empty(); }
  uint64_t size() const { return offsets_.size(); }
  std::span<const uint32_t> offsets() const { return offsets_; }

  bool Contains(uint32_t offset) const;
  /// How many deleted rows lie before physical `offset`.
  uint64_t Rank(uint64_t offset) const;
  /// The physical offset of the k-th live row (k from 0). O(log n).
  uint64_t LiveToPhysical(uint64_t k) const;

 private:
  std::vector<uint32_t> offsets_;
};

/// Reads a fragment's deletion file from `store` (the root that holds its `_deletions` folder).
/// Checked: offsets below physical_rows, no repeats, as many as the manifest says.
arrow::Result<std::shared_ptr<const DeletionVector>> ReadDeletionVector(ObjectStore& store,
                                                                        const Fragment& fragment);

/// The row ids of one fragment, one per physical row, when the table has stable row ids. Immutable.
class RowIds {
 public:
  /// Parses and checks a serialised RowIdSequence that must hold exactly `physical_rows` ids. Runs
  /// of consecutive ids stay ranges in memory, however they are written.
  static arrow::Result<std::shared_ptr<const RowIds>> Parse(std::string_view bytes,
                                                            uint64_t physical_rows);

  uint64_t size() const { return size_; }
  /// The id of physical row `offset` < size(). O(log segments).
  uint64_t at(uint64_t offset) const;
  /// The physical offset of `id`, if this fragment has it. O(segments and ids that are in no
  /// range); RowIdIndex finds ids of a whole table faster.
  std::optional<uint64_t> Find(uint64_t id) const;

  /// Calls visit(offset, first_id, count) for runs of rows with consecutive ids, in row order.
  template <typename Visit>
  void ForEachRun(Visit visit) const {
    for (size_t i = 0; i < segments_.size(); ++i) {
      const Segment& segment = segments_[i];
      if (segment.is_range) {
        visit(segment.start, segment.first, EndOf(i) - segment.start);
        continue;
      }
      for (uint64_t row = segment.start; row < EndOf(i); ++row) {
        visit(row, ids_[segment.first + row - segment.start], uint64_t{1});
      }
    }
  }

 private:
  friend class RowIdsBuilder;

  struct Segment {
    uint64_t start;  // its first row
    uint64_t first;  // of a range: the id of that row; otherwise the place of its id in ids_
    bool is_range;
  };

  /// The row after the last one of segment `i`.
  uint64_t EndOf(size_t i) const {
    return i + 1 < segments_.size() ? segments_[i + 1].start : size_;
  }

  std::vector<Segment> segments_;
  std::vector<uint64_t> ids_;
  uint64_t size_ = 0;
};

}  // namespace pilum::dataset
