// Tasks of a stream: reads that move between the I/O executor (their requests) and the CPU executor
// (their decoding) without holding a thread while they wait. Many are under way; the consumer takes
// them in its own order.
//
//   Start ─► Advance ─► reads requested ─► Advance ─► ... ─► done, with status and result
//
// A consumer that would wait goes on with tasks itself which no thread of the executor has begun:
// with few cores, a thread too many keeps another from running just when it is waited for.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "scan/batch_read.h"

namespace pilum::scan {

/// What the tasks of a stream and its consumer share.
struct Exchange {
  std::mutex mutex;
  std::condition_variable changed;  ///< a task is done
  bool cancelled = false;           ///< tasks end without a result
};

/// The results, here and in derived classes, are guarded by the exchange's mutex until `done`.
class StreamTask : public std::enable_shared_from_this<StreamTask> {
 public:
  /// Tasks of lower `priority` run first.
  StreamTask(std::shared_ptr<Exchange> exchange, int64_t priority)
      : exchange_(std::move(exchange)), priority_(priority) {}
  virtual ~StreamTask() = default;

  /// Of the consumer's thread alone, and once.
  void Start();
  bool started() const { return started_; }
  /// Goes on with it on this thread. False if another one has begun to, or it waits for reads.
  bool Help();

  bool done = false;
  bool waited = false;  ///< for reads of others, which took a device or a server
  arrow::Status status;

 protected:
  const std::shared_ptr<Exchange>& exchange() const { return exchange_; }
  int64_t priority() const { return priority_; }

  /// Goes as far as possible without waiting. False if reads are under way: it is called again when
  /// they have ended.
  virtual arrow::Result<bool> Advance() = 0;

  /// Whether requests of so many bytes may be made. If not yet, it is posted when they may; then
  /// another thread may go on with this task already, and this one must leave it alone.
  virtual bool Admit(uint64_t) { return true; }
  /// The requests that were not admitted yet are not wanted any more.
  void DropRequests() { fetch_.reset(); }

  /// Requests have ended well. In Continue, or on an I/O thread before Advance is called again.
  virtual void Fetched(const io::Fetch::Volume&, std::chrono::nanoseconds) {}

  /// Has Advance called again. Then another thread may go on with this task already, and this one
  /// must leave it alone.
  void Post();

  /// For Advance: what `read` reads, or null when its next requests are under way or wait. Then
  /// another thread may go on with this task already, and this one must leave it alone. Adds the time
  /// of requests that it has carried out itself to `fetching`, if given.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Continue(
      BatchRead* read, std::chrono::nanoseconds* fetching = nullptr);

 private:
  void Work();
  bool TakePosted() { return posted_.exchange(false, std::memory_order_acq_rel); }
  arrow::Result<bool> StartFetch(const std::shared_ptr<io::Fetch>& fetch);
  void Complete(arrow::Status result);

  const std::shared_ptr<Exchange> exchange_;
  const int64_t priority_;
  std::shared_ptr<io::Fetch> fetch_;  // of requests that are not admitted yet
  bool started_ = false;
  std::atomic<bool> posted_{false};  // whoever takes it back calls Work
};

/// Tasks in the order in which the consumer takes them. Of the consumer's thread alone.
template <typename Task>
class TaskQueue {
 public:
  TaskQueue() = default;
  ~TaskQueue() { Cancel(); }
  TaskQueue(const TaskQueue&) = delete;
  TaskQueue& operator=(const TaskQueue&) = delete;

  /// Of the tasks that are put here.
  const std::shared_ptr<Exchange>& exchange() const { return exchange_; }

  bool empty() const { return tasks_.empty(); }
  size_t size() const { return tasks_.size(); }
  Task& operator[](size_t i) { return *tasks_[i]; }
  void PushBack(std::shared_ptr<Task> task) { tasks_.push_back(std::move(task)); }
  void PushFront(std::shared_ptr<Task> task) { tasks_.push_front(std::move(task)); }

  /// Whether the first one is done, which is waited for.
  bool WaitUntil(std::chrono::steady_clock::time_point until) {
    HelpUntil(until);
    std::unique_lock<std::mutex> lock(exchange_->mutex);
    return exchange_->changed.wait_until(lock, until, [&] { return tasks_.front()->done; });
  }

  /// The first one, when it is done. It is not in the queue any more.
  std::shared_ptr<Task> Take() {
    HelpUntil(std::chrono::steady_clock::time_point::max());
    std::shared_ptr<Task> front = std::move(tasks_.front());
    tasks_.pop_front();
    std::unique_lock<std::mutex> lock(exchange_->mutex);
    exchange_->changed.wait(lock, [&] { return front->done; });
    return front;
  }

  /// Empties the queue. Tasks under way end as soon as they can, with nobody waiting for them.
  void Cancel() {
    {
      std::lock_guard<std::mutex> lock(exchange_->mutex);
      exchange_->cancelled = true;
    }
    tasks_.clear();
  }

 private:
  bool IsFrontDone() {
    std::lock_guard<std::mutex> lock(exchange_->mutex);
    return tasks_.front()->done;
  }
  /// Goes on with tasks, those in front first, while there is something to go on with.
  void HelpUntil(std::chrono::steady_clock::time_point until) {
    for (size_t i = 0; i < tasks_.size() && !IsFrontDone();) {
      if (std::chrono::steady_clock::now() >= until) return;
      i = tasks_[i]->Help() ? 0 : i + 1;
    }
  }

  const std::shared_ptr<Exchange> exchange_ = std::make_shared<Exchange>();
  std::deque<std::shared_ptr<Task>> tasks_;
};

}  // namespace pilum::scan
