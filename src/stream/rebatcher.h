// Batches cut from longer ones, or put together from shorter ones.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace pilum::stream {

/// Not thread-safe.
class Rebatcher {
 public:
  int64_t rows() const { return rows_; }

  void Put(std::shared_ptr<arrow::RecordBatch> batch) {
    rows_ += batch->num_rows();
    pieces_.push_back(std::move(batch));
  }

  /// A batch of the rows put first, at most `most`; null when there are none. Copies only what was
  /// in several batches.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(int64_t most);

 private:
  int64_t rows_ = 0;
  arrow::RecordBatchVector pieces_;
};

}  // namespace pilum::stream
