#include "exported_stream.h"

#include <unistd.h>

#include <utility>

#include "gil.h"
#include "pilum/error.h"

namespace pilum::python {
namespace {

int RaiseNow(void* error) {
  std::unique_ptr<nb::python_error> owned(static_cast<nb::python_error*>(error));
  owned->restore();
  return -1;
}

/// Has the main thread raise `error` when it runs Python code again. Needs the GIL.
void RaiseLater(nb::python_error error) {
  auto owned = std::make_unique<nb::python_error>(std::move(error));
  if (Py_AddPendingCall(&RaiseNow, owned.get()) == 0) owned.release();
}

}  // namespace

ExportedStream::ExportedStream(std::shared_ptr<BatchStream> stream)
    : stream_(std::move(stream)), process_(getpid()), next_look_(Clock::now() + kSlice) {}

arrow::Status ExportedStream::ReadNext(std::shared_ptr<arrow::RecordBatch>* out) {
  out->reset();
  if (getpid() != process_) return MakeError(ErrorKind::kInvalidArgument, kUsedAfterFork);
  do {
    ARROW_RETURN_NOT_OK(CheckSignals());
  } while (!stream_->WaitNext(kSlice));
  return stream_->ReadNext(out);
}

arrow::Status ExportedStream::CheckSignals() {
  if (Clock::now() < next_look_ || !OnMainThread()) return arrow::Status::OK();
  next_look_ = Clock::now() + kSlice;
  Interlude signals;
  GilTaken taken;
  if (PyErr_Occurred() || signals.Run(&HandleSignals)) return arrow::Status::OK();
  RaiseLater(*signals.Take());
  return MakeError(ErrorKind::kCancelled, "the scan was interrupted by a signal");
}

}  // namespace pilum::python
