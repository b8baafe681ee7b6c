// TakeStream: rows by key, in the order asked for, read ahead by the executors.
//
//   keys to come ─► windows ─► each read as one: sorted by place, merged, decoded once ─► in order
//
// The more of the future a window knows, the fewer places are read and decoded twice. So windows are
// as long as the memory allows, but for the first ones: the first rows wait for no others. Of large
// rows, which are in places of their own, they are short when no device is waited for: what is ahead
// then stays in the CPU's caches.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "pilum/scan.h"
#include "scan/dataset_reader.h"
#include "scan/projection.h"

namespace pilum::scan {

struct TakePlan {
  std::shared_ptr<const DatasetReader> dataset;
  std::shared_ptr<const Projection> projection;
  /// What is done to each window last, e.g. evaluating expressions. Called from several threads at
  /// once.
  std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>(
      std::shared_ptr<arrow::RecordBatch>)>
      finish;
  std::shared_ptr<arrow::Schema> schema;  ///< of the result
  RowKey key = RowKey::kOffset;
  RowKeys keys;
  uint64_t readahead_bytes = 0;  ///< as TakeOptions
  uint64_t readahead_rows = 0;
  uint64_t rows_together = 1;
  uint64_t row_bytes = 0;  ///< as expected; 0: to be estimated
  std::shared_ptr<ReadCounters> counters = std::make_shared<ReadCounters>();
  bool counts_rows = true;  ///< false: another stream has the same rows
};

arrow::Result<std::shared_ptr<BatchStream>> MakeTakeStream(TakePlan plan);

}  // namespace pilum::scan
