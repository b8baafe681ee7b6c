// Where the row of a stable row id is: id ─► row address, for a whole version of a table.
//
//   RowIds of each fragment, minus its deleted rows ─► runs (first id, address, count), sorted by
//   id
//
// Rows that were written together stay one run, so the index of a table without updates is a few
// words per fragment. Immutable after it is made; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "dataset/fragment_rows.h"

namespace pilum::dataset {

class RowIdIndex {
 public:
  /// The rows of one fragment. `deleted` may be null: nothing is deleted.
  struct FragmentRows {
    uint32_t fragment_id = 0;
    std::shared_ptr<const RowIds> ids;
    std::shared_ptr<const DeletionVector> deleted;
  };

  /// Fails with kCorruptData when two live rows have the same id.
  static arrow::Result<std::shared_ptr<const RowIdIndex>> Make(
      std::span<const FragmentRows> fragments);

  /// The address of the live row with this id. O(log runs).
  std::optional<uint64_t> Find(uint64_t id) const;

  size_t num_runs() const { return runs_.size(); }

 private:
  struct Run {
    uint64_t first_id;
    uint64_t address;  // of its first row
    uint64_t count;
  };

  void AddFragment(const FragmentRows& fragment);
  arrow::Status SortRuns();

  std::vector<Run> runs_;
};

}  // namespace pilum::dataset
