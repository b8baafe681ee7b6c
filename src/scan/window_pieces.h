// Rows that are read together, a piece after another.
//
// Rows in random order are in pages all over the table, and to hold all of what they are decoded from
// at a time could take many times what they take themselves. Pieces of them, in the order in which they
// are stored, need little of it each, and none twice but what lies across a border.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "scan/batch_read.h"

namespace pilum::scan {

class WindowPieces {
 public:
  /// `count` is at least 1; there are fewer if there are fewer rows.
  WindowPieces(RowSelection rows, int64_t count);

  /// The pieces to be read, one by one; nothing is left of them here.
  bool empty() const { return next_ == pieces_.size(); }
  RowSelection Next() { return std::move(pieces_[next_++]); }

  /// The rows of all pieces, which were read in their order, in the order of the slots.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Join(arrow::RecordBatchVector read) const;

 private:
  std::vector<RowSelection> pieces_;
  size_t next_ = 0;
  std::vector<int64_t> order_;  // of each slot the row in the pieces together; none: the same
};

}  // namespace pilum::scan
