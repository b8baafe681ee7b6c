// Which rows of a fragment live, and what their ids are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
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

/// Reads a fragment's deletion file from `store` (the root that holds its `_deletions` folder). Checked:
/// offsets below physical_rows, no repeats, as many as the manifest says.
arrow::Result<std::shared_ptr<const DeletionVector>> ReadDeletionVector(ObjectStore& store,
                                                                        const Fragment& fragment);

/// The row ids of one fragment, one per physical row, when the table has stable row ids. Immutable.
class RowIds {
 public:
  /// Parses and checks a serialised RowIdSequence that must hold exactly `physical_rows` ids. Memory is
  /// proportional to the encoded segments (ranges stay ranges).
  static arrow::Result<std::shared_ptr<const RowIds>> Parse(std::string_view bytes, uint64_t physical_rows);

  uint64_t size() const { return starts_.back(); }
  /// The id of physical row `offset` < size(). O(log segments).
  uint64_t at(uint64_t offset) const;
  /// The physical offset of `id`, if this fragment has it.
  std::optional<uint64_t> Find(uint64_t id) const;

 private:
  struct Segment {
    bool is_range = true;
    uint64_t first = 0;               // of a range
    std::vector<uint64_t> ids;        // otherwise, in row order
  };
  std::vector<Segment> segments_;
  std::vector<uint64_t> starts_;      // first row of each segment, then the total
};

}  // namespace pilum::dataset
