#include "rows/row_set.h"

#include <algorithm>
#include <new>
#include <utility>

#include <roaring/roaring.h>

namespace pilum::rows {
namespace {

// Rows of a block: few enough that finding a rank in one is quick, for which its bitmap's containers
// of 2^16 rows are counted one by one.
constexpr uint32_t kBlockBits = 22;

struct FreeRoaring {
  void operator()(roaring_bitmap_t* bitmap) const { roaring_bitmap_free(bitmap); }
};

}  // namespace

/// The chosen rows of one stretch of 2^kBlockBits rows; stretches without any have no block.
struct RowSet::Block {
  uint64_t number = 0;      ///< of the stretch
  uint64_t first_rank = 0;  ///< of the first row in it
  uint64_t rows = 0;
  std::unique_ptr<roaring_bitmap_t, FreeRoaring> bitmap;

  explicit Block(uint64_t number, uint64_t first_rank)
      : number(number), first_rank(first_rank), bitmap(roaring_bitmap_create()) {
    if (!bitmap) throw std::bad_alloc();
  }
};

RowSet::RowSet() : blocks_(std::make_shared<const Blocks>()) {}

uint64_t RowSet::size() const {
  return blocks_->empty() ? 0 : blocks_->back().first_rank + blocks_->back().rows;
}

uint64_t RowSet::RowAt(uint64_t rank) const {
  const auto behind =
      std::upper_bound(blocks_->begin(), blocks_->end(), rank,
                       [](uint64_t r, const Block& block) { return r < block.first_rank; });
  const Block& block = *(behind - 1);
  uint32_t row = 0;
  roaring_bitmap_select(block.bitmap.get(), static_cast<uint32_t>(rank - block.first_rank), &row);
  return block.number << kBlockBits | row;
}

std::optional<uint64_t> RowSet::RankOf(uint64_t row) const {
  const auto block =
      std::lower_bound(blocks_->begin(), blocks_->end(), row >> kBlockBits,
                       [](const Block& b, uint64_t number) { return b.number < number; });
  const auto offset = static_cast<uint32_t>(row & ((1u << kBlockBits) - 1));
  if (block == blocks_->end() || block->number != row >> kBlockBits ||
      !roaring_bitmap_contains(block->bitmap.get(), offset)) {
    return std::nullopt;
  }
  return block->first_rank + roaring_bitmap_rank(block->bitmap.get(), offset) - 1;
}

size_t RowSet::memory_bytes() const {
  size_t bytes = blocks_->capacity() * sizeof(Block);
  for (const Block& block : *blocks_) bytes += roaring_bitmap_size_in_bytes(block.bitmap.get());
  return bytes;
}

RowSet::Builder::Builder() : blocks_(std::make_unique<Blocks>()) {}
RowSet::Builder::~Builder() = default;

void RowSet::Builder::Add(std::span<const uint64_t> rows) {
  while (!rows.empty()) {
    const uint64_t number = rows.front() >> kBlockBits;
    const auto end = std::find_if(rows.begin(), rows.end(),
                                  [&](uint64_t row) { return row >> kBlockBits != number; });
    const auto count = static_cast<size_t>(end - rows.begin());
    AddToBlock(number, rows.first(count));
    rows = rows.subspan(count);
  }
}

void RowSet::Builder::AddToBlock(uint64_t number, std::span<const uint64_t> rows) {
  if (blocks_->empty() || blocks_->back().number != number) {
    uint64_t first_rank = 0;
    if (!blocks_->empty()) {
      roaring_bitmap_run_optimize(blocks_->back().bitmap.get());
      first_rank = blocks_->back().first_rank + blocks_->back().rows;
    }
    blocks_->emplace_back(number, first_rank);
  }
  std::vector<uint32_t> offsets;
  offsets.reserve(rows.size());
  for (uint64_t row : rows)
    offsets.push_back(static_cast<uint32_t>(row & ((1u << kBlockBits) - 1)));
  roaring_bitmap_add_many(blocks_->back().bitmap.get(), offsets.size(), offsets.data());
  blocks_->back().rows += rows.size();
}

RowSet RowSet::Builder::Finish() {
  if (!blocks_->empty()) roaring_bitmap_run_optimize(blocks_->back().bitmap.get());
  return RowSet(std::shared_ptr<const Blocks>(std::move(blocks_)));
}

}  // namespace pilum::rows
