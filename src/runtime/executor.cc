#include "runtime/executor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <queue>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace pilum::runtime {
namespace {

struct QueuedTask {
  int64_t priority;
  uint64_t sequence;
  Executor::Task task;

  /// For a heap whose top is the task to run first.
  bool operator<(const QueuedTask& other) const {
    return std::pair(priority, sequence) > std::pair(other.priority, other.sequence);
  }
};

/// Blocks every signal on this thread while alive; threads started meanwhile inherit that. Signals
/// then reach threads of the application only, whose waits they are meant to interrupt.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &saved_, nullptr); }

 private:
  sigset_t saved_;
};

}  // namespace

struct Executor::State {
  std::mutex mutex;
  std::condition_variable wake;
  std::vector<QueuedTask> heap;
  std::vector<std::thread> threads;
  uint64_t next_sequence = 0;
  size_t idle = 0;  ///< threads waiting on `wake`
  size_t max_threads = 1;
  bool stopping = false;

  void Push(int64_t priority, Task task) {
    heap.push_back({priority, next_sequence++, std::move(task)});
    std::push_heap(heap.begin(), heap.end());
  }

  Task Pop() {
    std::pop_heap(heap.begin(), heap.end());
    Task task = std::move(heap.back().task);
    heap.pop_back();
    return task;
  }

  /// False when the system refuses another thread.
  bool StartThread() {
    SignalsBlocked blocked;
    try {
      threads.emplace_back([this] { WorkUntilStopped(); });
    } catch (const std::system_error&) {
      return false;
    }
    return true;
  }

  void WorkUntilStopped() {
    std::unique_lock<std::mutex> lock(mutex);
    for (;;) {
      ++idle;
      wake.wait(lock, [this] { return stopping || !heap.empty(); });
      --idle;
      if (stopping) return;
      Task task = Pop();
      lock.unlock();
      task();
      task = nullptr;  // what it holds is dropped outside the lock
      lock.lock();
    }
  }
};

Executor::Executor(int max_threads) : state_(std::make_unique<State>()) {
  state_->max_threads = static_cast<size_t>(std::max(max_threads, 1));
}

Executor::~Executor() {
  std::vector<QueuedTask> dropped;
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stopping = true;
    dropped.swap(state_->heap);
  }
  state_->wake.notify_all();
  for (std::thread& thread : state_->threads) thread.join();
}

void Executor::Submit(int64_t priority, Task task) {
  State& state = *state_;
  std::unique_lock<std::mutex> lock(state.mutex);
  if (state.stopping) return;
  state.Push(priority, std::move(task));
  // A thread that was notified but has not woken yet still counts as idle, and so does its task as
  // queued.
  if (state.heap.size() > state.idle && state.threads.size() < state.max_threads &&
      !state.StartThread() && state.threads.empty()) {
    Task run_here = state.Pop();  // better late on this thread than never
    lock.unlock();
    run_here();
    return;
  }
  lock.unlock();
  state.wake.notify_one();
}

int Executor::max_threads() const { return static_cast<int>(state_->max_threads); }

namespace {

/// One ParallelFor. Shared with its helpers, because one may start after the call has returned; it
/// then finds the loop closed and does not touch `body`.
class Loop {
 public:
  Loop(int64_t n, const std::function<arrow::Status(int64_t)>* body) : n_(n), body_(body) {}

  void Help() {
    {
      std::lock_guard<std::mutex> lock(mutex_);
      if (closed_) return;
      ++helping_;
    }
    Work();
    std::lock_guard<std::mutex> lock(mutex_);
    if (--helping_ == 0) idle_.notify_all();
  }

  arrow::Status RunAndWait() {
    Work();
    std::unique_lock<std::mutex> lock(mutex_);
    closed_ = true;
    idle_.wait(lock, [this] { return helping_ == 0; });
    return error_;
  }

 private:
  // Every i that was taken is run, so the lowest failing one always is: it was taken before the
  // others.
  void Work() {
    while (!failed_.load(std::memory_order_relaxed)) {
      int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= n_) return;
      arrow::Status status = (*body_)(i);
      if (!status.ok()) Fail(i, std::move(status));
    }
  }

  void Fail(int64_t i, arrow::Status status) {
    failed_.store(true, std::memory_order_relaxed);
    std::lock_guard<std::mutex> lock(mutex_);
    if (i < error_index_) {
      error_index_ = i;
      error_ = std::move(status);
    }
  }

  const int64_t n_;
  const std::function<arrow::Status(int64_t)>* const body_;
  std::atomic<int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable idle_;
  int helping_ = 0;
  bool closed_ = false;
  int64_t error_index_ = std::numeric_limits<int64_t>::max();
  arrow::Status error_;
};

}  // namespace

arrow::Status ParallelFor(Executor* executor, int max_helpers, int64_t priority, int64_t n,
                          const std::function<arrow::Status(int64_t)>& body) {
  int64_t helpers = std::min<int64_t>({max_helpers, n - 1, executor->max_threads()});
  if (helpers <= 0) {
    for (int64_t i = 0; i < n; ++i) ARROW_RETURN_NOT_OK(body(i));
    return arrow::Status::OK();
  }
  auto loop = std::make_shared<Loop>(n, &body);
  for (int64_t h = 0; h < helpers; ++h) executor->Submit(priority, [loop] { loop->Help(); });
  return loop->RunAndWait();
}

}  // namespace pilum::runtime
