// Scans as C++ code of other libraries reads them, through the Arrow C stream interface.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>

#include "pilum/scan.h"

namespace pilum::python {

/// How long a read waits before it looks for signals.
constexpr std::chrono::milliseconds kSlice(50);

constexpr char kUsedAfterFork[] =
    "this iterator was started before the process was forked; start a new one";

/// A BatchStream that is an error in forked children, and that signals interrupt where it is read
/// on the main thread. There it takes the GIL now and then, whether the reader has it or not.
///
/// The reader learns of an interruption by an error, which cannot carry the exception that a
/// handler raised. Python raises that one as soon as the reader returns to it.
class ExportedStream final : public arrow::RecordBatchReader {
 public:
  explicit ExportedStream(std::shared_ptr<BatchStream> stream);

  std::shared_ptr<arrow::Schema> schema() const override { return stream_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override;

 private:
  using Clock = std::chrono::steady_clock;

  arrow::Status CheckSignals();

  const std::shared_ptr<BatchStream> stream_;
  const pid_t process_;
  Clock::time_point next_look_;  ///< for signals
};

}  // namespace pilum::python
