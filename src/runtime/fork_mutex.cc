#include "runtime/fork_mutex.h"

#include <pthread.h>

#include <atomic>

namespace pilum::runtime {

/// Locks every ForkMutex before a fork and unlocks it on both sides.
class ForkHandlers {
 public:
  static void Add(ForkMutex* mutex) {
    ForkMutex* first = first_.load();
    do mutex->next_ = first;
    while (!first_.compare_exchange_weak(first, mutex));
  }

  static void Lock() {
    one_fork_.lock();
    locked_ = first_.load();
    for (ForkMutex* m = locked_; m != nullptr; m = m->next_) m->mutex_.lock();
  }

  // Starts where Lock did: another thread may have added one since.
  static void Unlock() {
    for (ForkMutex* m = locked_; m != nullptr; m = m->next_) m->mutex_.unlock();
    one_fork_.unlock();
  }

 private:
  static inline std::atomic<ForkMutex*> first_{nullptr};
  static inline std::mutex one_fork_;
  static inline ForkMutex* locked_ = nullptr;  ///< guarded by one_fork_
};

namespace {
[[maybe_unused]] const int kRegistered =
    pthread_atfork(&ForkHandlers::Lock, &ForkHandlers::Unlock, &ForkHandlers::Unlock);
}  // namespace

ForkMutex::ForkMutex() { ForkHandlers::Add(this); }

}  // namespace pilum::runtime
