// The rows of a stream in other batches: cut from longer ones, or put together from shorter ones.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include "pilum/batch_stream.h"

namespace pilum::batches {

/// Not thread-safe.
class Rebatcher {
 public:
  explicit Rebatcher(std::shared_ptr<BatchStream> source) : source_(std::move(source)) {}

  BatchStream& source() const { return *source_; }
  /// That were read and not taken.
  int64_t rows() const { return rows_; }
  /// Of these, those that the source gave first, in one batch.
  int64_t front_rows() const {
    return pieces_.empty() ? 0 : pieces_.front()->num_rows() - taken_of_front_;
  }

  /// Waits until ReadUntil would not block, at most `timeout`; tells whether that is so.
  template <typename Enough>
  bool WaitUntil(const Enough& enough, std::chrono::milliseconds timeout) {
    using std::chrono::milliseconds, std::chrono::steady_clock;
    const auto deadline = steady_clock::now() + timeout;
    while (!enough() && !ended_) {
      const auto left = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
      if (!source_->WaitNext(std::max(left, milliseconds(0)))) return false;
      Read();
    }
    return true;
  }
  /// Reads until `enough()` or the end of the source. Its error stays.
  template <typename Enough>
  arrow::Status ReadUntil(const Enough& enough) {
    while (!enough() && !ended_) Read();
    return enough() ? arrow::Status::OK() : failure_;
  }

  /// A batch of the rows read first, at most `most`; null when there are none. Copies only what was
  /// in several batches.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(int64_t most);

  /// And drops what was not taken.
  arrow::Status Close();

 private:
  void Read();

  const std::shared_ptr<BatchStream> source_;
  bool ended_ = false;
  arrow::Status failure_;  // comes after the rows before it
  int64_t rows_ = 0;
  arrow::RecordBatchVector pieces_;
  int64_t taken_of_front_ = 0;  // rows
};

}  // namespace pilum::batches
