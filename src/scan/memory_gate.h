// How much the reads of a stream hold in memory at a time.
//
// Rows are decoded from what was fetched for them, which stays until they are: whole pages, of which
// a few rows may be wanted. The rows themselves stay until the consumer takes them. A read for which
// there is no room beside what others hold waits before it makes its requests; the first one that is
// not done never waits, however large it is, so that a stream goes on whatever the bound is.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace pilum::scan {

/// Thread-safe.
class MemoryGate {
 public:
  using Start = std::function<void()>;

  explicit MemoryGate(uint64_t most_bytes) : most_bytes_(most_bytes) {}

  /// A read begins; those with lower numbers come before it.
  void Begin(int64_t read);
  /// Whether there is room now for so many bytes more that the read's next requests are for. If not,
  /// `start` is called when there is, on a thread that makes room.
  bool Enter(int64_t read, uint64_t bytes, Start start);
  /// A read holds so much, whether there is room for it or not.
  void Hold(int64_t read, uint64_t bytes);
  /// A read is done.
  void End(int64_t read);
  /// Nobody wants what waits.
  void Cancel();

 private:
  struct Read {
    uint64_t bytes = 0;    // that it holds
    uint64_t waiting = 0;  // that it waits for
    Start start;           // while it waits
  };

  bool HasRoom(int64_t read, uint64_t bytes) const;
  void Take(uint64_t bytes, Read* read);
  /// Starts what waits and has room, and unlocks.
  void StartWaiting(std::unique_lock<std::mutex> lock);

  const uint64_t most_bytes_;
  std::mutex mutex_;
  uint64_t bytes_ = 0;  // of all reads
  std::map<int64_t, Read> reads_;
};

}  // namespace pilum::scan
