// The process-wide Runtime: executors and typed slots for the services of higher modules.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <typeindex>
#include <unordered_map>

#include "pilum/runtime.h"
#include "runtime/executor.h"

namespace pilum::runtime {

/// Made at first use; after a fork the child gets a new one and never touches the parent's threads or
/// locks. Thread-safe.
class Runtime {
 public:
  /// The runtime of this process. The reference stays valid for the life of the process.
  static Runtime& Get();

  const RuntimeOptions& options() const { return options_; }
  Executor& cpu() { return *cpu_; }
  Executor& io() { return *io_; }

  /// The one T of this runtime, default-constructed at first use. This is how a module hangs a cache or
  /// another shared service here without this module knowing of it.
  template <typename T>
  T& Slot() {
    std::lock_guard<std::mutex> lock(slots_mutex_);
    std::shared_ptr<void>& slot = slots_[std::type_index(typeid(T))];
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }

 private:
  explicit Runtime(RuntimeOptions options);

  RuntimeOptions options_;
  std::unique_ptr<Executor> cpu_;
  std::unique_ptr<Executor> io_;
  std::mutex slots_mutex_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> slots_;
};

}  // namespace pilum::runtime
