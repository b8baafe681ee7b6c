// The tokens of one reader's splits: which rows are asked for next, and what has arrived of each split.
//
//   split 0   |####--        |      the box: tokens that its blocks need
//   split 2   |###           |      # arrived    - asked for, if rows are as long as those before
//   split 4   |###---------- |      split 2 is asked for rows next: most is missing of it
//
// How long rows are is not known before they are read, so splits do not get as far with as many rows.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "order/epoch_sequence.h"
#include "pilum/packing.h"
#include "stream/token_queue.h"

namespace pilum::stream {

/// Not thread-safe.
class TokenFeed {
 public:
  TokenFeed(order::EpochSequence sequence, const EpochReader& reader, const PackOptions& packing,
            const PackProgress& start);

  /// Appends rows to ask for, at most `most`; none only when all blocks can be made of those that
  /// were asked for.
  void Append(uint64_t most, std::vector<uint64_t>* rows);
  /// What was asked for first and has not arrived, as far as this goes.
  void Put(const std::shared_ptr<const TokenRows>& rows);

  /// Whether what the next block of a split of the reader is made of has arrived.
  bool HasBlock(uint64_t split) const;
  TokenQueue& queue(uint64_t split) { return splits_[split / world_size_].queue; }

 private:
  struct Split {
    uint64_t number;
    TokenQueue queue;
    uint64_t place;            ///< behind the rows asked for
    uint64_t wanted;           ///< tokens that its blocks need and that have not arrived
    uint64_t outstanding = 0;  ///< rows asked for that have not arrived
    double seen_tokens = 0;    ///< those of the rows that arrived last
    double seen_rows = 0;
  };
  /// Rows that were asked for one after the other.
  struct Run {
    uint64_t split;
    uint64_t rows;
  };

  double TokensPerRow(const Split& split) const;
  /// Wanted tokens that the rows asked for are not expected to have.
  double Missing(const Split& split) const;
  /// The split that most is missing of; null if no rows can be needed any more.
  Split* Neediest();
  void Ask(Split* split, uint64_t most, std::vector<uint64_t>* rows);
  void Arrive(Split* split, std::shared_ptr<const TokenRows> rows, int64_t first, int64_t count);

  order::EpochSequence sequence_;
  uint64_t world_size_;
  uint64_t block_tokens_;
  std::vector<Split> splits_;  // of the reader
  std::deque<Run> asked_;
};

}  // namespace pilum::stream
