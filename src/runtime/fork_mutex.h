// A mutex that fork() waits for, so that no child inherits it locked.
//
// For state that outlives a Runtime and therefore is used on both sides of a fork. A thread holds
// at most one of them, and only for a moment: fork() stops for it.
#pragma once

#include <mutex>

namespace pilum::runtime {

/// Lives for ever: an object of static storage, or one that is never deleted. Thread-safe.
class ForkMutex {
 public:
  ForkMutex();
  ForkMutex(const ForkMutex&) = delete;
  ForkMutex& operator=(const ForkMutex&) = delete;

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  friend class ForkHandlers;
  std::mutex mutex_;
  ForkMutex* next_;
};

}  // namespace pilum::runtime
