// HotBlocks: blocks of an object that many small reads go to, kept in memory.
//
// Reading a few bytes costs a system call, whatever their number. A block that small reads have cost
// as much as reading it whole would is read whole, and stays: at most twice the cost of the best
// decision in hindsight (the ski rental problem; Karlin et al., Competitive Snoopy Caching, 1988).
//
// Blocks stay as long as their object, and all of a process take at most what is left of
// RuntimeOptions::block_cache_bytes (runtime/block_budget.h). When these are used up, no others are
// kept: of rows in random order, a cache that is too small serves its share whichever blocks it
// holds, and replacing them costs reads without serving more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include <arrow/status.h>

namespace pilum::io {

/// Thread-safe. In a forked child, blocks that the parent kept are there; one that it was reading
/// at that moment is not kept any more.
class HotBlocks {
 public:
  static constexpr uint64_t kBlockBytes = 2 << 20;
  static constexpr uint64_t kSmallRead = 4096;  ///< bytes: larger reads are not counted

  explicit HotBlocks(uint64_t object_size) : object_size_(object_size) {}
  ~HotBlocks();
  HotBlocks(const HotBlocks&) = delete;
  HotBlocks& operator=(const HotBlocks&) = delete;

  /// The bytes [offset, offset + length) of the object if they are kept, or null. They are as
  /// aligned as in the object, up to 64 bytes, and valid as long as this.
  const std::byte* Find(uint64_t offset, uint64_t length) const;

  /// Reads the bytes of the object from `offset` on.
  using Read = std::function<arrow::Status(uint64_t offset, std::span<std::byte> out)>;

  /// Counts a small read that is about to be made. If it makes its block worth keeping, `read` is
  /// called for the block; what that says is returned.
  arrow::Status Count(uint64_t offset, uint64_t length, const Read& read);

 private:
  struct Block {
    std::atomic<uint32_t> reads{0};
    std::atomic<std::byte*> bytes{nullptr};  // null or all of the block
  };

  uint64_t num_blocks() const { return (object_size_ + kBlockBytes - 1) / kBlockBytes; }
  int64_t SizeOf(uint64_t block) const;  ///< bytes
  Block* Blocks();
  arrow::Status Keep(uint64_t index, Block* block, const Read& read);

  const uint64_t object_size_;
  std::atomic<Block*> blocks_{nullptr};  // made by the first small read
};

}  // namespace pilum::io
