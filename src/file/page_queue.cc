#include "file/page_queue.h"

#include <chrono>
#include <new>
#include <utility>

#include <arrow/array/concatenate.h>

#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/runtime.h"

namespace pilum::file {
namespace {

constexpr std::chrono::milliseconds kSlice(50);
/// Smaller pages are encoded sooner than another thread is awake.
constexpr uint64_t kHandOverBytes = 16 * 1024;

arrow::Status Encode(arrow::MemoryPool* pool, PageJob* job) try {
  std::shared_ptr<arrow::Array> rows = job->rows.front();
  if (job->rows.size() > 1) {
    ARROW_ASSIGN_OR_RAISE(rows, arrow::Concatenate(job->rows, pool));
    job->rows.clear();
  }
  return job->encoder->Encode(rows->data(), pool).Value(&job->page);
} catch (const std::bad_alloc&) {
  return arrow::Status::OutOfMemory("no memory left to encode a page");
}

}  // namespace

// The rows are dropped here in any case, not by the executor that may hold the task a little longer:
// memory that came from Python asks for its interpreter when it goes.
PageQueue::~PageQueue() {
  for (const auto& task : tasks_) {
    std::unique_lock<std::mutex> lock(shared_->mutex);
    if (task->begun.exchange(true)) shared_->changed.wait(lock, [&] { return task->done; });
    task->job.rows.clear();
  }
}

// One more than can be encoded at a time: while this thread encodes, the others do not run out of them.
bool PageQueue::full() const {
  return tasks_.size() > static_cast<size_t>(runtime::Runtime::Get().options().cpu_threads) + 1;
}

void PageQueue::EncodeUnlessBegun(Task* task, Shared* shared, arrow::MemoryPool* pool) {
  if (task->begun.exchange(true)) return;
  arrow::Status status = WithContext(Encode(pool, &task->job), {.column = task->job.field});
  std::lock_guard<std::mutex> lock(shared->mutex);
  task->status = std::move(status);
  task->done = true;
  shared->changed.notify_all();
}

void PageQueue::Put(PageJob job) {
  auto task = std::make_shared<Task>();
  task->job = std::move(job);
  tasks_.push_back(task);
  if (task->job.bytes < kHandOverBytes) return EncodeUnlessBegun(task.get(), shared_.get(), pool_);
  runtime::Runtime::Get().cpu().Submit(sequence_++, [task, shared = shared_, pool = pool_] {
    EncodeUnlessBegun(task.get(), shared.get(), pool);
  });
}

bool PageQueue::IsDone(const Task& task) const {
  std::lock_guard<std::mutex> lock(shared_->mutex);
  return task.done;
}

arrow::Result<PageJob> PageQueue::Take() {
  const std::shared_ptr<Task> front = tasks_.front();
  for (const auto& task : tasks_) {
    if (IsDone(*front)) break;
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    EncodeUnlessBegun(task.get(), shared_.get(), pool_);
  }
  {
    std::unique_lock<std::mutex> lock(shared_->mutex);
    while (!shared_->changed.wait_for(lock, kSlice, [&] { return front->done; }))
      ARROW_RETURN_NOT_OK(CancelScope::Check());
  }
  tasks_.pop_front();
  PageJob job = std::move(front->job);
  ARROW_RETURN_NOT_OK(front->status);
  return job;
}

}  // namespace pilum::file
