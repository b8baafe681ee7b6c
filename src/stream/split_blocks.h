// The rows of one reader's splits, block by block: what is transformed together.
//
//   split 0   [0, B) [B, 2B) ...     blocks begin at multiples of B, wherever the reader begins, so
//   split 2   [0, B) [B, 2B) ...     that they are the same for every world size and resumption
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "order/epoch_sequence.h"

namespace pilum::stream {

struct Block {
  uint64_t split = 0;
  uint64_t place = 0;  ///< of its first row in the split
  uint64_t rows = 0;
};

/// Not thread-safe.
class SplitBlocks {
 public:
  SplitBlocks(order::EpochSequence sequence, const EpochReader& reader, const EpochProgress& start,
              uint64_t block_rows);

  /// The next one: of the split that has got least far, of equals the first. Nothing at the end.
  std::optional<Block> Next();
  /// Appends rows of a block from `offset` on, at most `most`; returns how many.
  uint64_t Append(const Block& block, uint64_t offset, uint64_t most,
                  std::vector<uint64_t>* rows) const;

 private:
  struct Split {
    uint64_t number;
    uint64_t place;  // of the next block
  };

  order::EpochSequence sequence_;
  uint64_t block_rows_;
  std::vector<Split> splits_;  // of the reader
};

}  // namespace pilum::stream
