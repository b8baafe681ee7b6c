// An Arrow memory pool that keeps freed buffers for reuse.
//
//   Allocate ─► free list of the size class ─► (empty) backing pool
//   Free     ─► free list of the size class ─► (full) lists unused for longest ─► backing pool
//
// Memory fresh from the system costs a page fault for every 4 KiB touched; a decoder that writes
// into warm memory runs several times faster. Small buffers go straight to the backing pool, which
// is good at them.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <arrow/memory_pool.h>

#include "runtime/fork_mutex.h"

namespace pilum::runtime {

/// Thread-safe, usable on both sides of a fork. Outlives every buffer it handed out.
class RecyclingPool final : public arrow::MemoryPool {
 public:
  static constexpr int kMinBits = 14;
  static constexpr int64_t kMinRecycled = 1 << kMinBits;  ///< bytes: smaller buffers are not kept

  /// Keeps at most `capacity` bytes of freed buffers. `backing` must outlive the pool.
  RecyclingPool(arrow::MemoryPool* backing, int64_t capacity)
      : backing_(backing), capacity_(capacity) {}

  ~RecyclingPool() override { FreeKept(); }

  using arrow::MemoryPool::Allocate;
  using arrow::MemoryPool::Free;
  using arrow::MemoryPool::Reallocate;

  arrow::Status Allocate(int64_t size, int64_t alignment, uint8_t** out) override;
  arrow::Status Reallocate(int64_t old_size, int64_t new_size, int64_t alignment,
                           uint8_t** ptr) override;
  void Free(uint8_t* buffer, int64_t size, int64_t alignment) override;
  /// Gives every kept buffer back, and has the backing pool give back what it keeps.
  void ReleaseUnused() override;

  int64_t bytes_allocated() const override { return stats_.bytes_allocated(); }
  int64_t max_memory() const override { return stats_.max_memory(); }
  int64_t total_bytes_allocated() const override { return stats_.total_bytes_allocated(); }
  int64_t num_allocations() const override { return stats_.num_allocations(); }
  std::string backend_name() const override { return "pilum+" + backing_->backend_name(); }

  /// Bytes of freed buffers kept at the moment.
  int64_t recycled_bytes();

  /// The capacity of the buffer that serves `size` >= kMinRecycled: a power of two times 4/4, 5/4,
  /// 6/4 or 7/4, at most a quarter more than asked for.
  static int64_t ClassCapacity(int64_t size);

 private:
  static constexpr int kMaxBits = 60;
  static constexpr int kClasses = 4 * (kMaxBits - kMinBits + 1);

  struct SizeClass {
    std::vector<uint8_t*> buffers;  ///< the last one freed, the warmest, goes out first
    uint64_t last_use = 0;
  };
  using Buffers = std::vector<std::pair<uint8_t*, int64_t>>;

  bool Recycles(int64_t size, int64_t alignment) const;
  static int ClassIndex(int64_t capacity);
  arrow::Status AllocateMemory(int64_t size, int64_t alignment, uint8_t** out);
  void FreeMemory(uint8_t* buffer, int64_t size, int64_t alignment);
  void DropColdest(Buffers* dropped);
  void FreeKept();

  arrow::MemoryPool* const backing_;
  const int64_t capacity_;
  arrow::internal::MemoryPoolStats stats_;
  ForkMutex mutex_;
  std::array<SizeClass, kClasses> classes_;
  int64_t kept_ = 0;  ///< bytes
  uint64_t clock_ = 0;
};

}  // namespace pilum::runtime
