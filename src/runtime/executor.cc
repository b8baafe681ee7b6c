#include "runtime/executor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <queue>
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
  size_t idle = 0;                ///< threads waiting on `wake`
  size_t running = 0;             ///< threads in a task
  std::condition_variable quiet;  ///< no thread is
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

  /// False when the system refuses another thread, or memory for it.
  bool StartThread() {
    SignalsBlocked blocked;
    try {
      threads.emplace_back([this] { WorkUntilStopped(); });
    } catch (const std::exception&) {
      return false;
    }
    return true;
  }

  void WorkUntilStopped() {
    std::unique_lock<std::mutex> lock(mutex);
    while (true) {
      ++idle;
      wake.wait(lock, [this] { return stopping || !heap.empty(); });
      --idle;
      if (stopping) return;
      Task task = Pop();
      ++running;
      lock.unlock();
      task();
      task = nullptr;  // what it holds is dropped outside the lock
      lock.lock();
      if (--running == 0) quiet.notify_all();
    }
  }
};

Executor::Executor(int max_threads) : state_(std::make_unique<State>()) {
  state_->max_threads = static_cast<size_t>(std::max(max_threads, 1));
}

void Executor::Quiesce(std::chrono::milliseconds timeout) {
  std::vector<QueuedTask> dropped;
  std::unique_lock<std::mutex> lock(state_->mutex);
  state_->stopping = true;
  dropped.swap(state_->heap);
  state_->wake.notify_all();
  state_->quiet.wait_for(lock, timeout, [&] { return state_->running == 0; });
  lock.unlock();  // before what was dropped is destroyed
}

Executor::~Executor() {
  Quiesce(std::chrono::milliseconds(0));
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

}  // namespace pilum::runtime
