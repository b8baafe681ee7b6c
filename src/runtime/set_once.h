// A place for something that is loaded when it is first needed and then stays.
//
// Reading takes no lock, so a child that was forked at any moment can go on reading.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace pilum::runtime {

/// Thread-safe.
template <typename T>
class SetOnce {
 public:
  SetOnce() = default;
  ~SetOnce() { delete value_.load(std::memory_order_relaxed); }
  SetOnce(const SetOnce&) = delete;
  SetOnce& operator=(const SetOnce&) = delete;

  /// Null until something is set.
  std::shared_ptr<T> get() const {
    const auto* value = value_.load(std::memory_order_acquire);
    return value ? *value : nullptr;
  }

  /// Sets `value`, not null, unless another thread was first; returns what is set.
  std::shared_ptr<T> set(std::shared_ptr<T> value) {
    auto mine = std::make_unique<const std::shared_ptr<T>>(std::move(value));
    const std::shared_ptr<T>* set = nullptr;
    if (value_.compare_exchange_strong(set, mine.get(), std::memory_order_acq_rel)) {
      set = mine.release();
    }
    return *set;
  }

 private:
  std::atomic<const std::shared_ptr<T>*> value_ = nullptr;
};

}  // namespace pilum::runtime
