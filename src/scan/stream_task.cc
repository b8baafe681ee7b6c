#include "scan/stream_task.h"

#include <chrono>
#include <new>
#include <utility>

#include "io/fetch.h"
#include "pilum/runtime.h"
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
  posted_.store(true, std::memory_order_release);
  runtime::Runtime::Get().cpu().Submit(priority_, [self = shared_from_this()] {
    if (self->TakePosted()) self->Work();
  });
} catch (const std::bad_alloc&) {
  if (TakePosted()) Complete(OutOfMemory());
}

bool StreamTask::Help() {
  if (!TakePosted()) return false;
  const CancelScope none([] { return true; });  // this thread's scopes are about other calls
  Work();
  return true;
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

arrow::Result<std::shared_ptr<arrow::RecordBatch>> StreamTask::Continue(
    BatchRead* read, std::chrono::nanoseconds* fetching) {
  for (;;) {
    if (!fetch_) {
      fetch_ = std::make_shared<io::Fetch>();
      ARROW_ASSIGN_OR_RAISE(bool wants, read->Step(fetch_));
      if (!wants) {
        fetch_.reset();
        return read->Finish();
      }
      if (!Admit(fetch_->read_bytes())) return nullptr;
    }
    const auto start = Clock::now();
    ARROW_ASSIGN_OR_RAISE(bool fetched, StartFetch(std::exchange(fetch_, nullptr)));
    if (!fetched) return nullptr;
    if (fetching) *fetching += Clock::now() - start;
  }
}

arrow::Result<bool> StreamTask::StartFetch(const std::shared_ptr<io::Fetch>& fetch) {
  const auto fetched = [self = shared_from_this(), fetch, start = Clock::now()] {
    self->Fetched(fetch->volume(), Clock::now() - start);
  };
  ARROW_ASSIGN_OR_RAISE(bool all, fetch->Start(priority_, [this, fetched](const auto& status) {
    if (!status.ok()) return Complete(status);
    waited = true;
    fetched();
    Post();
  }));
  if (all) fetched();
  return all;
}

}  // namespace pilum::scan
