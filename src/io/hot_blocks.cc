#include "io/hot_blocks.h"

#include <sys/mman.h>

#include <algorithm>
#include <memory>

#include <arrow/memory_pool.h>

#include "runtime/block_budget.h"

namespace pilum::io {
namespace {

/// Reads of a block after which it is read whole: a small read costs 0.5 us, a block 0.5 to 1.3 ms.
constexpr uint32_t kWorthKeeping = 1024;

/// Rows in random order need all blocks about as often; without this all would be read at once.
uint32_t ReadsBeforeKeeping(uint64_t block) {
  return kWorthKeeping + static_cast<uint32_t>((block * 0x9E3779B97F4A7C15u) >> 54);
}

// Whole blocks are huge pages where the system has them. Rows in random order touch every page of a
// block, and of small pages there would be more than the TLB remembers.
constexpr int64_t kAlignment = 64;
int64_t AlignmentOf(int64_t bytes) { return bytes == HotBlocks::kBlockBytes ? bytes : kAlignment; }

/// Null when the bytes allowed are used up, or memory is.
std::byte* Allocate(int64_t bytes) {
  uint8_t* memory = nullptr;
  if (!runtime::TakeFromBlockBudget(bytes)) return nullptr;
  if (!arrow::system_memory_pool()->Allocate(bytes, AlignmentOf(bytes), &memory).ok()) {
    runtime::ReturnToBlockBudget(bytes);
  } else if (bytes == HotBlocks::kBlockBytes) {
    ::madvise(memory, static_cast<size_t>(bytes), MADV_HUGEPAGE);
  }
  return reinterpret_cast<std::byte*>(memory);
}

void Free(std::byte* memory, int64_t bytes) {
  if (memory == nullptr) return;
  arrow::system_memory_pool()->Free(reinterpret_cast<uint8_t*>(memory), bytes, AlignmentOf(bytes));
  runtime::ReturnToBlockBudget(bytes);
}

}  // namespace

HotBlocks::~HotBlocks() {
  Block* blocks = blocks_.load();
  for (uint64_t i = 0; blocks != nullptr && i < num_blocks(); ++i)
    Free(blocks[i].bytes.load(), SizeOf(i));
  delete[] blocks;
}

const std::byte* HotBlocks::Find(uint64_t offset, uint64_t length) const {
  const Block* blocks = blocks_.load(std::memory_order_acquire);
  if (blocks == nullptr) return nullptr;
  const uint64_t index = offset / kBlockBytes;
  const uint64_t start = offset % kBlockBytes;
  if (length > kBlockBytes - start) return nullptr;
  const std::byte* bytes = blocks[index].bytes.load(std::memory_order_acquire);
  return bytes == nullptr ? nullptr : bytes + start;
}

arrow::Status HotBlocks::Count(uint64_t offset, uint64_t length, const Read& read) {
  if (length > kSmallRead) return arrow::Status::OK();
  const uint64_t index = offset / kBlockBytes;
  Block* block = Blocks() + index;
  if (block->reads.fetch_add(1, std::memory_order_relaxed) + 1 != ReadsBeforeKeeping(index))
    return arrow::Status::OK();
  return Keep(index, block, read);
}

int64_t HotBlocks::SizeOf(uint64_t block) const {
  return static_cast<int64_t>(std::min(kBlockBytes, object_size_ - block * kBlockBytes));
}

HotBlocks::Block* HotBlocks::Blocks() {
  Block* blocks = blocks_.load(std::memory_order_acquire);
  if (blocks != nullptr) return blocks;
  std::unique_ptr<Block[]> made(new Block[num_blocks()]);
  if (blocks_.compare_exchange_strong(blocks, made.get())) blocks = made.release();
  return blocks;
}

// Called once for a block.
arrow::Status HotBlocks::Keep(uint64_t index, Block* block, const Read& read) {
  const int64_t size = SizeOf(index);
  std::byte* bytes = Allocate(size);
  if (bytes == nullptr) return arrow::Status::OK();
  arrow::Status status = read(index * kBlockBytes, {bytes, static_cast<size_t>(size)});
  if (status.ok()) {
    block->bytes.store(bytes, std::memory_order_release);
  } else {
    Free(bytes, size);
  }
  return status;
}

}  // namespace pilum::io
