// Columns of which a row has much, and the others, read ahead in windows of their own lengths.
//
//   keys to come ─┬─► windows of large columns: few rows ──┬─► batches of all columns
//                 └─► windows of the others: many rows ────┘
//
// Large values are in places of their own. Of small ones a chunk holds hundreds, which are decoded
// together: a window of a hundred rows would decode as many chunks.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "pilum/scan.h"
#include "scan/take_stream.h"

namespace pilum::scan {

/// Rows, or parts of them, of at least so many bytes are large.
inline constexpr uint64_t kLargeRow = 4096;

/// A plan in two, for the same rows.
struct ColumnGroups {
  TakePlan large;
  TakePlan small;
  std::vector<bool> is_large;  ///< of the plan's columns
};

/// Nothing if all columns that are read are of one kind, or if expressions are evaluated with them.
/// Where rows are large the metadata of a data file is read; if that fails nobody knows, and the error
/// comes with the rows.
std::optional<ColumnGroups> SplitBySize(const TakePlan& plan);

/// Batches as those of `large`, with the columns of both. The streams are those of the groups.
std::shared_ptr<BatchStream> JoinColumns(std::shared_ptr<arrow::Schema> schema,
                                         std::vector<bool> is_large,
                                         std::shared_ptr<BatchStream> large,
                                         std::shared_ptr<BatchStream> small);

}  // namespace pilum::scan
