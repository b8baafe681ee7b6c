#include "file/row_order.h"

#include <arrow/builder.h>

namespace pilum::file {

arrow::Result<OrderedRows> OrderRows(const std::vector<Segment>& segments, int64_t num_rows) {
  auto ordered = std::make_shared<std::vector<Segment>>(segments.size());
  std::vector<int64_t> position(static_cast<size_t>(num_rows));
  int64_t next = 0;
  for (size_t s = 0; s < segments.size(); ++s) {
    std::vector<Run>& runs = (*ordered)[s].runs;
    (*ordered)[s].physical_rows = segments[s].physical_rows;
    for (const Run& run : segments[s].runs) {
      for (uint32_t i = 0; i < run.count; ++i) {
        const uint64_t row = run.row + i;
        const uint64_t end = runs.empty() ? 0 : runs.back().row + runs.back().count;
        if (runs.empty() || row > end) {
          runs.push_back({row, 1, next++});
        } else if (row == end) {
          ++runs.back().count;
          ++next;
        }  // else the row has been read already
        position[static_cast<size_t>(run.slot) + i] = next - 1;
      }
    }
  }
  OrderedRows rows{std::move(ordered), next, nullptr};
  arrow::Int64Builder builder;
  ARROW_RETURN_NOT_OK(builder.AppendValues(position));
  ARROW_ASSIGN_OR_RAISE(rows.permutation, builder.Finish());
  return rows;
}

}  // namespace pilum::file
