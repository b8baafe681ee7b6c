#include "stream/split_blocks.h"

#include <algorithm>
#include <span>
#include <utility>

namespace pilum::stream {

SplitBlocks::SplitBlocks(order::EpochSequence sequence, const EpochReader& reader,
                         const EpochProgress& start, uint64_t block_rows)
    : sequence_(std::move(sequence)), block_rows_(block_rows) {
  for (uint64_t split = reader.rank; split < sequence_.num_splits(); split += reader.world_size)
    if (start.places[split] < sequence_.rows_per_split())
      splits_.push_back({split, start.places[split] / block_rows * block_rows});
}

std::optional<Block> SplitBlocks::Next() {
  const auto next =
      std::min_element(splits_.begin(), splits_.end(),
                       [](const Split& a, const Split& b) { return a.place < b.place; });
  if (next == splits_.end() || next->place >= sequence_.rows_per_split()) return std::nullopt;
  const uint64_t rows = std::min(block_rows_, sequence_.rows_per_split() - next->place);
  return Block{next->number, std::exchange(next->place, next->place + rows), rows};
}

uint64_t SplitBlocks::Append(const Block& block, uint64_t offset, uint64_t most,
                             std::vector<uint64_t>* rows) const {
  const uint64_t count = std::min(most, block.rows - offset);
  const size_t first = rows->size();
  rows->resize(first + count);
  sequence_.FillSplit(block.split, block.place + offset,
                      std::span<uint64_t>(*rows).subspan(first, count));
  return count;
}

}  // namespace pilum::stream
