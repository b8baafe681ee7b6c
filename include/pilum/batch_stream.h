// What reading delivers: batches that become ready in the background.
#pragma once

#include <chrono>
#include <memory>

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include "pilum/runtime.h"

namespace pilum {

/// A stream of batches that other threads read ahead. One consumer; destroying it early stops the
/// reads. A forked child can neither use nor destroy it: the threads that fill it live in the
/// parent.
class BatchStream : public arrow::RecordBatchReader {
 public:
  /// Waits until ReadNext would not block, at most `timeout`; tells whether that is so.
  virtual bool WaitNext(std::chrono::milliseconds timeout) = 0;
};

/// Passes each batch to `visit`, an `arrow::Status(const arrow::RecordBatch&)`, up to the end or the
/// first error. Asks the thread's CancelScope in between and while it waits.
template <typename Visit>
arrow::Status VisitBatches(BatchStream& stream, const Visit& visit) {
  constexpr std::chrono::milliseconds kSlice(50);
  while (true) {
    while (!stream.WaitNext(kSlice)) ARROW_RETURN_NOT_OK(CancelScope::Check());
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(stream.ReadNext(&batch));
    if (!batch) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(visit(*batch));
  }
}

}  // namespace pilum
