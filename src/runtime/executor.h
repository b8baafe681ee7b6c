// A pool of threads that runs tasks in priority order.
//
// Tasks never block on other tasks of the same executor: a stage posts the next one. A thread that
// has to wait for others helps instead, so a pool cannot wait on itself.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace pilum::runtime {

class Executor {
 public:
  using Task = std::function<void()>;

  /// Threads are started on demand, up to `max_threads`.
  explicit Executor(int max_threads);
  /// Drops tasks that have not started, waits for those that have, joins every thread.
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  /// Runs `task`, which must not throw, on some thread: lower `priority` first, equal ones in order
  /// of submission. Thread-safe. When memory runs out it throws and has not taken the task.
  void Submit(int64_t priority, Task task);

  /// Drops tasks that have not started, takes no more, and waits for those under way, at most
  /// `timeout`. For the end of the process, when what they use goes.
  void Quiesce(std::chrono::milliseconds timeout);

  int max_threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pilum::runtime
