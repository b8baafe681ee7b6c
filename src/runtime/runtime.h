// The process-wide Runtime: its options and its executors.
//
//   Runtime ─┬─ options      from PILUM_* variables
//            └─ cpu(), io()  executors; threads start on demand. Of those for the CPUs, one is the
//                            thread that waits for a result, and helps
//
// Made at first use and never destroyed. After a fork the child makes a new one at its first use
// and leaves the parent's as it is: its threads do not exist there and its locks may be held by
// them.
#pragma once

#include <memory>

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

 private:
  explicit Runtime(RuntimeOptions options);

  RuntimeOptions options_;
  std::unique_ptr<Executor> cpu_;
  std::unique_ptr<Executor> io_;
};

/// The options that the environment of this process asks for, with every default resolved.
RuntimeOptions OptionsFromEnvironment();

}  // namespace pilum::runtime
