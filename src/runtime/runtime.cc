#include "runtime/runtime.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <string_view>

#include "runtime/cpu_count.h"
#include "runtime/fork_mutex.h"

namespace pilum {
namespace runtime {
namespace {

constexpr int kMaxThreads = 1024;
constexpr int kDefaultIoThreads = 16;

/// The value of an environment variable, or `fallback` when it is unset or no number in [0, max].
int64_t FromEnvironment(const char* name, int64_t max, int64_t fallback) {
  const char* text = std::getenv(name);
  if (text == nullptr) return fallback;
  std::string_view view(text);
  int64_t value = 0;
  auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  bool whole = error == std::errc() && end == view.data() + view.size();
  return whole && value >= 0 && value <= max ? value : fallback;
}

int ThreadsFromEnvironment(const char* name, int fallback) {
  return static_cast<int>(FromEnvironment(name, kMaxThreads, fallback));
}

// Swapped without a lock, so that there is none that a child could inherit locked.
std::atomic<Runtime*> current{nullptr};

void ForgetRuntime() { current.store(nullptr, std::memory_order_relaxed); }

// A read that hangs is left behind.
void QuiesceForExit() {
  constexpr std::chrono::milliseconds kPatience(2000);
  Runtime* runtime = current.load(std::memory_order_acquire);
  if (runtime == nullptr) return;
  runtime->io().Quiesce(kPatience);
  runtime->cpu().Quiesce(kPatience);
}

// Tasks use globals of other libraries, many of them made when first used, in a task even; so no
// order of registering with atexit puts the end of the tasks before the end of all of these. But
// exit destroys what is local to its thread before anything global ([support.start.term]), and this
// library is loaded on the main thread as a rule.
struct QuiesceWithMainThread {
  ~QuiesceWithMainThread() {
    if (::gettid() == ::getpid()) QuiesceForExit();
  }
};

// For an exit on another thread. The C library's list has a lock, and a child inherits that as it is.
ForkMutex registering;

void RegisterAtExit() {
  std::lock_guard<ForkMutex> lock(registering);
  std::atexit(&QuiesceForExit);
}

[[maybe_unused]] const int kRegistered = [] {
  [[maybe_unused]] thread_local QuiesceWithMainThread quiesce;
  return pthread_atfork(nullptr, nullptr, &ForgetRuntime);
}();

}  // namespace

RuntimeOptions OptionsFromEnvironment() {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  RuntimeOptions options;
  options.cpu_threads = ThreadsFromEnvironment("PILUM_CPU_THREADS", options.cpu_threads);
  options.io_threads = ThreadsFromEnvironment("PILUM_IO_THREADS", options.io_threads);
  options.recycle_bytes = FromEnvironment("PILUM_RECYCLE_BYTES", kMax, options.recycle_bytes);
  options.metadata_cache_bytes =
      FromEnvironment("PILUM_METADATA_CACHE_BYTES", kMax, options.metadata_cache_bytes);
  options.block_cache_bytes =
      FromEnvironment("PILUM_BLOCK_CACHE_BYTES", kMax, options.block_cache_bytes);
  if (options.cpu_threads == 0) options.cpu_threads = std::min(UsableCpus(), kMaxThreads);
  if (options.io_threads == 0) options.io_threads = kDefaultIoThreads;
  return options;
}

Runtime::Runtime(RuntimeOptions options)
    : options_(options),
      cpu_(std::make_unique<Executor>(std::max(1, options.cpu_threads - 1))),
      io_(std::make_unique<Executor>(options.io_threads)) {}

Runtime& Runtime::Get() {
  Runtime* runtime = current.load(std::memory_order_acquire);
  if (runtime != nullptr) return *runtime;
  // Of several threads that get here at once, one wins; a Runtime without work has no threads yet.
  std::unique_ptr<Runtime> made(new Runtime(OptionsFromEnvironment()));
  if (current.compare_exchange_strong(runtime, made.get(), std::memory_order_acq_rel)) {
    runtime = made.release();
    GetMemoryPool();
    RegisterAtExit();
  }
  return *runtime;
}

}  // namespace runtime

const RuntimeOptions& GetRuntimeOptions() { return runtime::Runtime::Get().options(); }

}  // namespace pilum
