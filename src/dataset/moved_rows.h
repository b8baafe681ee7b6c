// Rows that move into other fragments of a table with stable row ids: they keep their ids, and the
// versions that created and last changed them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "dataset/fragment_rows.h"
#include "dataset/manifest.h"

namespace pilum::dataset {

/// Collects moved rows in the order in which they are written.
class MovedRows {
 public:
  /// Rows of a fragment whose ids are `ids`: those at these offsets, which ascend. Fails with
  /// kCorruptData on version sequences that do not fit the fragment.
  arrow::Status Add(const Fragment& fragment, const RowIds& ids, std::span<const uint32_t> offsets);

  /// Gives new fragments the ids and versions of the rows that were written into them, which are
  /// all that were added.
  void Name(std::vector<Fragment>* fragments) const;

 private:
  /// Rows with consecutive ids and the same versions.
  struct Run {
    uint64_t first_id;
    uint64_t count;
    uint64_t created;
    uint64_t updated;
  };
  void Append(const Run& run);

  std::vector<Run> runs_;
};

}  // namespace pilum::dataset
