#include "runtime/recycling_pool.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <memory>
#include <mutex>

#include "pilum/runtime.h"

namespace pilum {
namespace runtime {

int64_t RecyclingPool::ClassCapacity(int64_t size) {
  // Four classes per doubling: keep the top three bits of size - 1 and round up.
  auto last = static_cast<uint64_t>(size - 1);
  int shift = std::bit_width(last) - 3;
  return static_cast<int64_t>(((last >> shift) + 1) << shift);
}

int RecyclingPool::ClassIndex(int64_t capacity) {
  auto bytes = static_cast<uint64_t>(capacity);
  int doublings = std::bit_width(bytes) - 1;
  return 4 * (doublings - kMinBits) + static_cast<int>((bytes >> (doublings - 2)) & 3);
}

bool RecyclingPool::Recycles(int64_t size, int64_t alignment) const {
  return size >= kMinRecycled && size <= capacity_ && size <= (int64_t{1} << kMaxBits) &&
         alignment <= arrow::kDefaultBufferAlignment;
}

arrow::Status RecyclingPool::AllocateMemory(int64_t size, int64_t alignment, uint8_t** out) {
  if (!Recycles(size, alignment)) return backing_->Allocate(size, alignment, out);
  int64_t capacity = ClassCapacity(size);
  SizeClass& size_class = classes_[ClassIndex(capacity)];
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    size_class.last_use = ++clock_;
    if (!size_class.buffers.empty()) {
      *out = size_class.buffers.back();
      size_class.buffers.pop_back();
      kept_ -= capacity;
      return arrow::Status::OK();
    }
  }
  return backing_->Allocate(capacity, arrow::kDefaultBufferAlignment, out);
}

void RecyclingPool::FreeMemory(uint8_t* buffer, int64_t size, int64_t alignment) {
  if (!Recycles(size, alignment)) return backing_->Free(buffer, size, alignment);
  int64_t capacity = ClassCapacity(size);
  SizeClass& size_class = classes_[ClassIndex(capacity)];
  Buffers dropped;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    size_class.last_use = ++clock_;
    size_class.buffers.push_back(buffer);
    kept_ += capacity;
    while (kept_ > capacity_) DropColdest(&dropped);
  }
  for (auto [p, bytes] : dropped) backing_->Free(p, bytes, arrow::kDefaultBufferAlignment);
}

/// Takes one buffer from the class that was not used for the longest time.
void RecyclingPool::DropColdest(Buffers* dropped) {
  int coldest = -1;
  for (int i = 0; i < kClasses; ++i) {
    if (classes_[i].buffers.empty()) continue;
    if (coldest < 0 || classes_[i].last_use < classes_[coldest].last_use) coldest = i;
  }
  int64_t capacity = int64_t{4 + coldest % 4} << (coldest / 4 + kMinBits - 2);
  std::vector<uint8_t*>& buffers = classes_[coldest].buffers;
  dropped->emplace_back(buffers.back(), capacity);
  buffers.pop_back();
  kept_ -= capacity;
}

arrow::Status RecyclingPool::Allocate(int64_t size, int64_t alignment, uint8_t** out) {
  ARROW_RETURN_NOT_OK(AllocateMemory(size, alignment, out));
  stats_.DidAllocateBytes(size);
  return arrow::Status::OK();
}

void RecyclingPool::Free(uint8_t* buffer, int64_t size, int64_t alignment) {
  FreeMemory(buffer, size, alignment);
  stats_.DidFreeBytes(size);
}

arrow::Status RecyclingPool::Reallocate(int64_t old_size, int64_t new_size, int64_t alignment,
                                        uint8_t** ptr) {
  bool was_recycled = Recycles(old_size, alignment);
  bool is_recycled = Recycles(new_size, alignment);
  if (!was_recycled && !is_recycled) {
    ARROW_RETURN_NOT_OK(backing_->Reallocate(old_size, new_size, alignment, ptr));
  } else if (!was_recycled || !is_recycled || ClassCapacity(old_size) != ClassCapacity(new_size)) {
    uint8_t* moved = nullptr;
    ARROW_RETURN_NOT_OK(AllocateMemory(new_size, alignment, &moved));
    std::memcpy(moved, *ptr, static_cast<size_t>(std::min(old_size, new_size)));
    FreeMemory(*ptr, old_size, alignment);
    *ptr = moved;
  }
  stats_.DidReallocateBytes(old_size, new_size);
  return arrow::Status::OK();
}

void RecyclingPool::FreeKept() {
  Buffers dropped;
  {
    std::lock_guard<ForkMutex> lock(mutex_);
    while (kept_ > 0) DropColdest(&dropped);
  }
  for (auto [p, bytes] : dropped) backing_->Free(p, bytes, arrow::kDefaultBufferAlignment);
}

void RecyclingPool::ReleaseUnused() {
  FreeKept();
  backing_->ReleaseUnused();
}

int64_t RecyclingPool::recycled_bytes() {
  std::lock_guard<ForkMutex> lock(mutex_);
  return kept_;
}

}  // namespace runtime

namespace {

// Arrow's pool is made, and does its first allocation, under locks; a child forked meanwhile would
// wait for them for ever. So that happens while the library is loaded.
bool UseArrowsPool() {
  arrow::MemoryPool* pool = arrow::default_memory_pool();
  uint8_t* buffer = nullptr;
  if (!pool->Allocate(1, &buffer).ok()) return false;
  pool->Free(buffer, 1);
  return true;
}

[[maybe_unused]] const bool kUsed = UseArrowsPool();

}  // namespace

arrow::MemoryPool* GetMemoryPool() {
  // One pool for both sides of a fork: buffers of the parent are freed in the child. Of several
  // threads that get here at once, one wins.
  static std::atomic<runtime::RecyclingPool*> pool{nullptr};
  runtime::RecyclingPool* found = pool.load(std::memory_order_acquire);
  if (found != nullptr) return found;
  auto made = std::make_unique<runtime::RecyclingPool>(arrow::default_memory_pool(),
                                                       GetRuntimeOptions().recycle_bytes);
  if (!pool.compare_exchange_strong(found, made.get(), std::memory_order_acq_rel)) return found;
  return made.release();
}

}  // namespace pilum
