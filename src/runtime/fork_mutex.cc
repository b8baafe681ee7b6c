#include "runtime/fork_mutex.h"

#include <pthread.h>

namespace pilum::runtime {

/// All of them, in a list. Its own lock is held during a fork as well.
class ForkMutexes {
 public:
  static void Add(ForkMutex* mutex) {
    std::lock_guard<std::mutex> lock(list_mutex_);
    mutex->next_ = first_;
    if (first_ != nullptr) first_->previous_ = mutex;
    first_ = mutex;
  }

  static void Remove(ForkMutex* mutex) {
    std::lock_guard<std::mutex> lock(list_mutex_);
    (mutex->previous_ != nullptr ? mutex->previous_->next_ : first_) = mutex->next_;
    if (mutex->next_ != nullptr) mutex->next_->previous_ = mutex->previous_;
  }

  static void LockAll() {
    list_mutex_.lock();
    for (ForkMutex* m = first_; m != nullptr; m = m->next_) m->lock();
  }

  static void UnlockAll() {
    for (ForkMutex* m = first_; m != nullptr; m = m->next_) m->unlock();
    list_mutex_.unlock();
  }

 private:
  static inline std::mutex list_mutex_;
  static inline ForkMutex* first_ = nullptr;
};

namespace {
[[maybe_unused]] const int kRegistered =
    pthread_atfork(&ForkMutexes::LockAll, &ForkMutexes::UnlockAll, &ForkMutexes::UnlockAll);
}  // namespace

ForkMutex::ForkMutex() { ForkMutexes::Add(this); }

ForkMutex::~ForkMutex() { ForkMutexes::Remove(this); }

}  // namespace pilum::runtime
