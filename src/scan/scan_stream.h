// ScanStream: the rows of a version, in storage order, read ahead by the executors.
//
//   units of rows ─► [read filter columns ─► select] ─► read columns ─► finish ─► batches in order
//
// A unit is a stretch of live rows of one fragment, some batches long. A few units are in flight;
// each moves between the I/O executor (its reads) and the CPU executor (its decoding) without
// holding a thread while it waits. The consumer takes them in order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "pilum/scan.h"
#include "scan/dataset_reader.h"
#include "scan/projection.h"

namespace pilum::scan {

/// Chooses rows by the values of some columns.
struct RowFilter {
  std::shared_ptr<const Projection> projection;  ///< the columns it looks at
  /// Ascending numbers of the rows of a batch to keep. Called from several threads at once.
  std::function<arrow::Result<std::vector<uint32_t>>(const arrow::RecordBatch&)> select;
};

struct ScanPlan {
  std::shared_ptr<const DatasetReader> dataset;
  std::shared_ptr<const Projection> projection;
  std::optional<RowFilter> filter;
  /// What is done to each batch last, e.g. evaluating expressions. Called from several threads at
  /// once.
  std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>(
      std::shared_ptr<arrow::RecordBatch>)>
      finish;
  std::shared_ptr<arrow::Schema> schema;  ///< of the result
  std::vector<size_t> fragments;          ///< indexes in the manifest
  uint64_t offset = 0;
  std::optional<uint64_t> limit;
  int64_t batch_size = 0;  ///< 0 = by row size
  uint64_t readahead_bytes = 0;
  /// About what is read at a time: large enough to make reads sequential, small enough that what
  /// one thread decodes stays in its cache.
  uint64_t unit_bytes = 2 << 20;
};

arrow::Result<std::shared_ptr<BatchStream>> MakeScanStream(ScanPlan plan);

/// How many rows the plan delivers. Reads only the filter's columns; nothing without a filter.
arrow::Result<uint64_t> CountMatching(ScanPlan plan);

}  // namespace pilum::scan
