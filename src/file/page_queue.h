// PageQueue: pages that are encoded on the CPU executor, small ones at once, and taken in the order
// they were put. Who waits for one encodes others.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include <arrow/array/array_base.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "file/column_encoder.h"

namespace pilum::file {

/// A page on its way: the rows of a field that go into one of its columns.
struct PageJob {
  arrow::ArrayVector rows;
  const ColumnEncoder* encoder = nullptr;
  uint32_t column = 0;
  uint64_t first_row = 0;
  uint64_t bytes = 0;  ///< of the rows, about
  std::string field;   ///< for messages
  StoredPage page;     ///< when it is done
};

/// For one thread. What the jobs point to must outlive it; the destructor waits for those that run.
class PageQueue {
 public:
  explicit PageQueue(arrow::MemoryPool* pool) : pool_(pool) {}
  ~PageQueue();

  void Put(PageJob job);
  bool empty() const { return tasks_.empty(); }
  /// Whether so many are under way that the next one should wait.
  bool full() const;
  /// The one put first, when it is done. Interruptible (CancelScope).
  arrow::Result<PageJob> Take();

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
  };
  struct Task {
    PageJob job;
    arrow::Status status;
    bool done = false;                // guarded by the shared mutex
    std::atomic<bool> begun = false;  // whoever sets it encodes
  };

  static void EncodeUnlessBegun(Task* task, Shared* shared, arrow::MemoryPool* pool);
  bool IsDone(const Task& task) const;

  arrow::MemoryPool* const pool_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::deque<std::shared_ptr<Task>> tasks_;
  int64_t sequence_ = 0;
};

}  // namespace pilum::file
