#include "scan/stream_task.h"

#include <chrono>
#include <new>
#include <utility>

#include "io/fetch.h"
#include "runtime/runtime.h"

namespace pilum::scan {
namespace {

using Clock = std::chrono::steady_clock;

arrow::Status OutOfMemory() { return arrow::Status::OutOfMemory("no memory left to read rows"); }

}  // namespace

void StreamTask::Start() {
  started_ = true;
  Post();
}

void StreamTask::Post() try {
  runtime::Runtime::Get().cpu().Submit(priority_, [self = shared_from_this()] { self->Work(); });
} catch (const std::bad_alloc&) {
  Complete(OutOfMemory());
}

void StreamTask::Work() try {
  {
    std::lock_guard<std::mutex> lock(exchange_->mutex);
    if (exchange_->cancelled) {
      done = true;
      return;
    }
  }
  auto finished = Advance();
  if (!finished.ok()) return Complete(finished.status());
  if (*finished) Complete(arrow::Status::OK());
} catch (const std::bad_alloc&) {
  Complete(OutOfMemory());
}

void StreamTask::Complete(arrow::Status result) {
  std::lock_guard<std::mutex> lock(exchange_->mutex);
  status = std::move(result);
  done = true;
  exchange_->changed.notify_all();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> StreamTask::Continue(BatchRead* read) {
  auto fetch = std::make_shared<io::Fetch>();
  ARROW_ASSIGN_OR_RAISE(bool wants, read->Step(fetch));
  if (!wants) return read->Finish();
  Admit(fetch->read_bytes(), [self = shared_from_this(), fetch] { self->RunFetch(fetch); });
  return nullptr;
}

void StreamTask::RunFetch(const std::shared_ptr<io::Fetch>& fetch) try {
  const auto start = Clock::now();
  fetch->RunAsync(priority_,
                  [self = shared_from_this(), fetch, start](const arrow::Status& status) {
                    if (!status.ok()) return self->Complete(status);
                    self->Fetched(fetch->volume(), Clock::now() - start);
                    self->Post();
                  });
} catch (const std::bad_alloc&) {
  Complete(OutOfMemory());
}

}  // namespace pilum::scan
