// A pool of threads that runs tasks in priority order.
//
// Tasks never block on other tasks of the same executor: a stage posts the next one. A thread that
// has to wait for others helps instead (ParallelFor runs on the caller too), so a pool cannot wait
// on itself.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <arrow/status.h>

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

  /// Runs `task` on some thread: lower `priority` first, equal ones in order of submission.
  /// Thread-safe.
  void Submit(int64_t priority, Task task);

  int max_threads() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Runs body(i) for every i in [0, n) on the calling thread and up to `max_helpers` threads of
/// `executor`. Returns once all that started have ended: the error of the lowest failing i, or OK.
/// After a failure no further i is started. Safe to call from a task of the same executor.
arrow::Status ParallelFor(Executor* executor, int max_helpers, int64_t priority, int64_t n,
                          const std::function<arrow::Status(int64_t)>& body);

}  // namespace pilum::runtime
