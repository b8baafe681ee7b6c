// The process-wide Runtime: executors and typed slots for the services of higher modules.
//
//   Runtime ─┬─ options      from PILUM_* variables
//            ├─ cpu(), io()  executors; threads start on demand
//            └─ Slot<T>()    one T for each type asked for
//
// Made at first use and never destroyed. After a fork the child makes a new one at its first use
// and leaves the parent's as it is: its threads do not exist there and its locks may be held by
// them.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <typeindex>
#include <unordered_map>

#include "pilum/runtime.h"
#include "runtime/executor.h"

namespace pilum::runtime {

/// Thread-safe.
class Runtime {
 public:
  /// The runtime of this process. The reference stays valid for the life of the process.
  static Runtime& Get();

  const RuntimeOptions& options() const { return options_; }
  Executor& cpu() { return *cpu_; }
  Executor& io() { return *io_; }

  /// The one T of this runtime, default-constructed at first use; T's constructor may ask for other
  /// slots. This is how a module hangs a cache or another shared service here without this module
  /// knowing of it.
  template <typename T>
  T& Slot() {
    std::lock_guard<std::recursive_mutex> lock(slots_mutex_);
    std::shared_ptr<void>& slot = slots_[std::type_index(typeid(T))];
    if (!slot) slot = std::make_shared<T>();
    return *static_cast<T*>(slot.get());
  }

 private:
  explicit Runtime(RuntimeOptions options);

  RuntimeOptions options_;
  std::unique_ptr<Executor> cpu_;
  std::unique_ptr<Executor> io_;
  std::recursive_mutex slots_mutex_;
  std::unordered_map<std::type_index, std::shared_ptr<void>> slots_;
};

/// The options that the environment of this process asks for, with every default resolved.
RuntimeOptions OptionsFromEnvironment();

}  // namespace pilum::runtime
