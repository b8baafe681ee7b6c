// A mutex that fork() waits for, so that no child inherits it locked.
//
// For state that is used on both sides of a fork, unlike what hangs on a Runtime. A thread holds at
// most one of them, and only for a moment: fork() stops for it.
#pragma once

#include <mutex>

namespace pilum::runtime {

/// Thread-safe.
class ForkMutex {
 public:
  ForkMutex();
  ~ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  ForkMutex& operator=(const ForkMutex&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  friend class ForkMutexes;
  std::mutex mutex_;
  ForkMutex* previous_ = nullptr;
  ForkMutex* next_ = nullptr;
};

}  // namespace pilum::runtime
