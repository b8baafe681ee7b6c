// Process-wide settings and services.
//
// The runtime owns the threads and caches of the process. It is made at first use and anew in a
// forked child; no object of the public API has to be told about it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include <arrow/memory_pool.h>
#include <arrow/status.h>

namespace pilum {

/// Each setting has an environment variable, read once when the runtime is made. A value that is no
/// number, or out of range, counts as unset.
struct RuntimeOptions {
  /// PILUM_CPU_THREADS: threads that decode and encode, the one that waits for it among them, but for
  /// 1, which is one besides; 0 = CPUs this process may use (affinity and cgroup quota).
  int cpu_threads = 0;
  int io_threads = 0;                 ///< PILUM_IO_THREADS; 0 = 16
  int64_t recycle_bytes = 128 << 20;  ///< PILUM_RECYCLE_BYTES: freed buffers kept for reuse, bytes
  int64_t metadata_cache_bytes =
      256 << 20;  ///< PILUM_METADATA_CACHE_BYTES: footers and page indexes of each table, bytes
  /// PILUM_BLOCK_CACHE_BYTES: blocks of open files that rows in random order come from, as stored or,
  /// of compressed chunks, decoded; bytes
  int64_t block_cache_bytes = 48 << 20;
};

/// The settings in effect: automatic values are resolved.
const RuntimeOptions& GetRuntimeOptions();

/// The pool from which all result buffers come: freed buffers are kept, up to recycle_bytes, and
/// handed out again, because touching fresh memory costs several times what decoding into warm
/// memory does. Thread-safe; lives for ever.
arrow::MemoryPool* GetMemoryPool();

/// A way to stop calls. While one is alive, calls made on its thread ask `wanted`, on that thread
/// and at most every 50 ms, whether to go on; after a false they end with kCancelled. Scopes nest:
/// the innermost is asked. Reading a stream is not such a call; it has WaitNext.
///
///   pilum::CancelScope scope([] { return !stop_requested.load(); });
///   auto batch = snapshot->Take(keys);
class CancelScope {
 public:
  explicit CancelScope(std::function<bool()> wanted);
  ~CancelScope();
  CancelScope(const CancelScope&) = delete;
  CancelScope& operator=(const CancelScope&) = delete;

  /// For code that waits or works for long, object stores among it: kCancelled if this thread's
  /// innermost scope has said no, OK if there is none.
  static arrow::Status Check();
  /// The same without regard to the 50 ms: for when a signal has ended a system call.
  static arrow::Status CheckNow();

 private:
  arrow::Status Ask();

  const std::function<bool()> wanted_;
  CancelScope* const outer_;
  std::chrono::steady_clock::time_point next_;  ///< when to ask again
  bool cancelled_ = false;
};

}  // namespace pilum
