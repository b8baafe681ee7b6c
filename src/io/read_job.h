// A list of reads, carried out by any number of threads. Whoever must not wait has ReadNow carry out
// first what takes no waiting.
//
//   reads  ─►  slices of neighbours, equal by estimated cost  ─►  taken one by one by whoever works
//
// A read from the page cache costs less than waking a thread, a read from a disk costs a hundred
// times more, and nobody knows beforehand which it will be. So helpers are called by estimate
// first, and all that the objects can use as soon as a slice turns out to have waited for a device.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include <arrow/status.h>

#include "pilum/storage.h"

namespace pilum::io {

/// A range to read: its first bytes to `head`, if that is not empty. The object and the memory
/// outlive the job.
struct Read {
  const ReadableObject* object;
  uint64_t offset;
  std::span<std::byte> out;
  std::span<std::byte> head = {};
};

/// Carries out, on this thread, reads that take no waiting, and removes them.
void ReadNow(std::vector<Read>* reads);

/// Made, started once, and then shared with the threads that help. Thread-safe.
class ReadJob : public std::enable_shared_from_this<ReadJob> {
 public:
  ReadJob(std::vector<Read> reads, int64_t priority);

  /// Reads everything on this thread and helpers from the I/O executor; the first error, or OK. A
  /// CancelScope of this thread can stop it.
  arrow::Status RunAndWait();

  /// The same with a callback, called on the thread that finishes last: this one or a helper.
  void RunAndCall(std::function<void(arrow::Status)> done);

 private:
  using Clock = std::chrono::steady_clock;

  void MakeSlices();
  bool WaitedForDevice(size_t slice, Clock::duration taken) const;
  void Work(bool may_call_helpers);
  arrow::Status ReadSlice(size_t slice);
  void CallHelpers(int64_t wanted);
  void Fail(arrow::Status status);
  void SliceDone(arrow::Status status);

  const std::vector<Read> reads_;
  const int64_t priority_;
  std::vector<uint32_t> slices_;  ///< the first read of each slice, and the number of reads
  uint64_t cost_ = 0;             ///< of all reads, ns if everything is in the page cache
  int64_t most_helpers_ = 0;      ///< what the objects can use
  int64_t helpers_ = 0;           ///< touched by the starting thread only

  std::atomic<size_t> next_slice_{0};
  std::atomic<size_t> slices_left_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::condition_variable finished_;
  arrow::Status error_;                      ///< guarded by mutex_
  std::function<void(arrow::Status)> done_;  ///< set before the start
};

}  // namespace pilum::io
