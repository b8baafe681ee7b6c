// Permutations: rows of a table version in another order, and in splits.
//
//   BuildPermutation   writes an order down: which row ids come in which split, one after the other
//   RowSequence        an order to read rows in: one that was written down, or one of arithmetic
//
//   auto rows = pilum::BuildPermutation(snapshot, {.shuffle = pilum::ShuffleOptions{.seed = 7}});
//   // ... stored as a table, whose latest version is `permutation`:
//   auto order = pilum::RowSequence::Load(*permutation, /*split_id=*/0).ValueOrDie();
//   auto batch = order.Take(*snapshot, positions);
//
// A permutation table has the columns `row_id` and `split_id` (both uint64) and is sorted by
// `split_id`. The metadata of its schema says which version the row ids are of, and should be read
// from ("base_version", a number), and what the splits are called ("split_names", a JSON list).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "pilum/order.h"
#include "pilum/table.h"

namespace pilum {

/// How many rows each split has (order.h says how the sizes follow from the rows there are).
struct EqualSplits {
  int64_t count = 1;
};
struct SplitCounts {
  std::vector<int64_t> counts;
};
struct SplitRatios {
  std::vector<double> ratios;
};
using SplitSizes = std::variant<EqualSplits, SplitCounts, SplitRatios>;

/// Splits of consecutive rows.
struct SequentialSplits {
  SplitSizes sizes;
};
/// Rows are shuffled, and then cut into splits.
struct RandomSplits {
  SplitSizes sizes;
  ShuffleOptions shuffle;
};
/// Rows whose values in `columns` are equal come into the same split, whatever other rows there are,
/// in every version of pilum. Values are hashed into as many buckets as the weights sum to: the first
/// `weights[0]` are split 0, and so on; rows of the last `discard_weight` buckets are left out.
/// Columns of numbers, booleans, times, text and bytes; a null is a value like others.
struct HashSplits {
  std::vector<std::string> columns;
  std::vector<int64_t> weights;
  int64_t discard_weight = 0;
};
/// The value of an SQL expression is the number of the split: an integer, not negative, not null.
struct CalculatedSplits {
  std::string expression;
};

struct PermutationOptions {
  std::optional<std::string> filter;  ///< SQL: only rows for which it is true
  /// Without: one split, 0, with all rows.
  std::variant<std::monostate, SequentialSplits, RandomSplits, HashSplits, CalculatedSplits> splits;
  /// One for each split, or none. Calculated splits may have names for splits that have no row.
  std::vector<std::string> split_names;
  /// Shuffles the rows of each split: which rows it has does not change. Without, rows of a split are
  /// in storage order, or in that of RandomSplits.
  std::optional<ShuffleOptions> shuffle;
};

/// The rows of a permutation table: batches of (row_id, split_id). The same version and options give
/// the same rows on any machine. Reads row ids, and the columns that filter and splits need, before
/// it returns; holds 8 bytes a row at most, next to nothing where row ids are consecutive. kInvalidArgument:
/// options that do not fit the table, or leave a split that must have rows without any.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> BuildPermutation(
    const Snapshot& snapshot, const PermutationOptions& options = {});

/// Rows in some order, by position. An immutable value: cheap to copy, usable from any thread and in
/// a forked child.
class RowSequence {
 public:
  /// All rows of a version, in an order of arithmetic. `order` has as many rows as the version.
  explicit RowSequence(RowOrder order);

  /// The rows of one split of a permutation table, or of all its splits, one after the other. Takes 8
  /// bytes a row at most. kInvalidArgument if the table is none of a permutation.
  static arrow::Result<RowSequence> Load(const Snapshot& permutation,
                                         std::optional<uint64_t> split_id);

  uint64_t size() const;

  /// The rows at `positions`, which are less than size(), in the order given; repeats are repeated. A
  /// row that the version does not have is kInvalidArgument and an arrow IndexError.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(const Snapshot& snapshot,
                                                          std::span<const uint64_t> positions,
                                                          const Columns& columns = {}) const;

 private:
  class RowIds;
  explicit RowSequence(std::shared_ptr<const RowIds> ids);

  std::variant<RowOrder, std::shared_ptr<const RowIds>> rows_;
};

}  // namespace pilum
