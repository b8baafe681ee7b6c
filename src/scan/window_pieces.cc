#include "scan/window_pieces.h"

#include <algorithm>
#include <utility>

#include <arrow/array/array_primitive.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include "pilum/runtime.h"

namespace pilum::scan {

WindowPieces::WindowPieces(RowSelection rows, int64_t count) {
  if (count <= 1) {
    pieces_.push_back(std::move(rows));
    return;
  }
  const int64_t most = std::max<int64_t>(1, (rows.num_rows + count - 1) / count);
  order_.resize(static_cast<size_t>(rows.num_rows));
  int64_t done = 0;
  for (const FragmentSelection& selected : rows.fragments) {
    for (Run run : selected.runs) {
      while (run.count > 0) {
        if (pieces_.empty() || pieces_.back().num_rows == most)
          pieces_.push_back({.num_rows = 0, .in_order = rows.distinct, .distinct = rows.distinct});
        RowSelection& piece = pieces_.back();
        if (piece.fragments.empty() || piece.fragments.back().fragment != selected.fragment)
          piece.fragments.push_back({selected.fragment, {}});
        const auto taken =
            static_cast<uint32_t>(std::min<int64_t>(run.count, most - piece.num_rows));
        std::vector<Run>& runs = piece.fragments.back().runs;
        if (rows.distinct && !runs.empty() && runs.back().row + runs.back().count == run.row) {
          runs.back().count += taken;
        } else {
          runs.push_back({run.row, taken, piece.num_rows});
        }
        for (uint32_t i = 0; i < taken; ++i) order_[static_cast<size_t>(run.slot + i)] = done++;
        piece.num_rows += taken;
        run = {run.row + taken, run.count - taken, run.slot + taken};
      }
    }
  }
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> WindowPieces::Join(
    arrow::RecordBatchVector read) const {
  if (order_.empty()) return read[0];
  ARROW_ASSIGN_OR_RAISE(auto joined, arrow::ConcatenateRecordBatches(read, GetMemoryPool()));
  read.clear();
  const arrow::Int64Array order(static_cast<int64_t>(order_.size()), arrow::Buffer::Wrap(order_));
  arrow::compute::ExecContext context(GetMemoryPool());
  context.set_use_threads(false);
  ARROW_ASSIGN_OR_RAISE(
      auto taken,
      arrow::compute::Take(joined, order, arrow::compute::TakeOptions::NoBoundsCheck(), &context));
  return taken.record_batch();
}

}  // namespace pilum::scan
