// The samples of an epoch in the one order that all its readers have together.
//
//   position   0 ... m-1 | m ... 2m-1 |  ...  | (S-1)m ... Sm-1 | surplus
//   split          0     |     1      |       |       S-1       |
//
//   sample g is place g / S of split g mod S; reader r of W has the samples r, r + W, r + 2W, ...
//
// As W divides S, these are the splits r, r + W, ... in turns. So the k-th batch of all readers
// together, the samples kB to kB + B - 1, is the same set of rows for every W that divides S and
// every B that W divides. Pure arithmetic; values, usable from any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "pilum/order.h"

namespace pilum::order {

/// kInvalidArgument, naming both numbers, unless every reader gets as many whole splits.
arrow::Status CheckReader(const EpochReader& reader, uint64_t num_splits);

class EpochSequence {
 public:
  /// The first S * m positions of `order`, m = order.size() / S, as S splits. Rows behind them are
  /// left out; which these are depends on the order. kInvalidArgument: num_splits < 1, or fewer
  /// rows than splits.
  static arrow::Result<EpochSequence> Make(RowOrder order, uint64_t num_splits);

  uint64_t num_splits() const { return num_splits_; }
  uint64_t rows_per_split() const { return rows_per_split_; }
  /// Samples of all readers.
  uint64_t size() const { return num_splits_ * rows_per_split_; }
  /// Rows that no split has.
  uint64_t surplus() const { return order_.size() - size(); }

  /// The row of `sample`, which must be less than size(). Time O(1).
  uint64_t RowAt(uint64_t sample) const;
  /// When `row`, less than the number of rows, comes; nothing if it is one of the surplus. Time
  /// O(1).
  std::optional<uint64_t> SampleOf(uint64_t row) const;
  /// The rows of a split from `place` on, as many as there is room for; all must be in the split.
  void FillSplit(uint64_t split, uint64_t place, std::span<uint64_t> rows) const;

 private:
  EpochSequence(RowOrder order, uint64_t num_splits)
      : order_(std::move(order)),
        num_splits_(num_splits),
        rows_per_split_(order_.size() / num_splits) {}

  RowOrder order_;
  uint64_t num_splits_;
  uint64_t rows_per_split_;
};

/// Whose turn it is among the splits of one reader: that of which fewest samples were delivered, of
/// equals the first. After an interruption, splits that lag are served first, so that the sequence
/// is the one without the interruption.
class Turns {
 public:
  Turns(const EpochReader& reader, std::span<const uint64_t> samples);

  uint64_t num_splits() const { return samples_.size(); }
  /// The reader's own split of a number below num_splits().
  uint64_t split(size_t number) const { return reader_.rank + number * reader_.world_size; }

  /// The split whose turn it is; then it is the next one's. Time O(1) for splits that do not lag.
  uint64_t Next();
  /// Whether whole rounds follow, in which each split has its turn, the first one first. Then they can
  /// be skipped.
  bool AtRound() const;
  void SkipRounds(uint64_t count);

 private:
  EpochReader reader_;
  std::vector<uint64_t> samples_;  // of the reader's own splits
  uint64_t round_;                 // whose turn it is has delivered so many, or fewer
  size_t next_ = 0;
};

}  // namespace pilum::order
