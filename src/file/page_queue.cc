#include "file/page_queue.h"

#include <chrono>
#include <new>
#include <utility>

#include "file/shred.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/runtime.h"

namespace pilum::file {
namespace {

constexpr std::chrono::milliseconds kSlice(50);

arrow::Status Encode(encoding::PageOptions options, PageJob* job) try {
  ARROW_ASSIGN_OR_RAISE(options.compression, encoding::ReadRequest(*job->leaf->node->field));
  if (!options.large_chunks) options.compression.dictionary.reset();  // came with 2.2
  ARROW_ASSIGN_OR_RAISE(encoding::LeafRows rows, Shred(job->rows, *job->leaf, options.pool));
  const auto write =
      job->leaf->node->kind == NodeKind::kBlobV1 ? encoding::WriteBlobPage : encoding::WritePage;
  ARROW_ASSIGN_OR_RAISE(job->page, write(rows, job->leaf->scheme, job->leaf->type, options));
  return arrow::Status::OK();
} catch (const std::bad_alloc&) {
  return arrow::Status::OutOfMemory("no memory left to encode a page");
}

}  // namespace

// The rows are dropped here in any case, not by the executor that may hold the task a little longer:
// memory that came from Python asks for its interpreter when it goes.
PageQueue::~PageQueue() {
  for (const auto& task : tasks_) {
    std::unique_lock<std::mutex> lock(shared_->mutex);
    shared_->changed.wait(lock, [&] { return task->done; });
    task->job.rows.reset();
  }
}

bool PageQueue::full() const {
  return tasks_.size() > 2 * static_cast<size_t>(runtime::Runtime::Get().cpu().max_threads());
}

void PageQueue::Put(PageJob job) {
  auto task = std::make_shared<Task>();
  task->job = std::move(job);
  tasks_.push_back(task);
  runtime::Runtime::Get().cpu().Submit(sequence_++, [task, shared = shared_, options = options_] {
    arrow::Status status = WithContext(Encode(options, &task->job),
                                       {.column = task->job.leaf->path.front()->field->name()});
    std::lock_guard<std::mutex> lock(shared->mutex);
    task->status = std::move(status);
    task->done = true;
    shared->changed.notify_all();
  });
}

arrow::Result<PageJob> PageQueue::Take() {
  const std::shared_ptr<Task> task = tasks_.front();
  {
    std::unique_lock<std::mutex> lock(shared_->mutex);
    while (!shared_->changed.wait_for(lock, kSlice, [&] { return task->done; }))
      ARROW_RETURN_NOT_OK(CancelScope::Check());
  }
  tasks_.pop_front();
  PageJob job = std::move(task->job);
  ARROW_RETURN_NOT_OK(task->status);
  return job;
}

}  // namespace pilum::file
