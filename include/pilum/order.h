// The order of an epoch: which row comes at which position, by arithmetic instead of a list; and
// how many rows the splits of an order have.
//
//   auto order = pilum::RowOrder::Shuffled(rows, {.seed = 7, .epoch = 3}).ValueOrDie();
//   order.RowAt(0);                   // the row that comes first
//   order.PositionOf(order.RowAt(0)); // 0: when a row comes
//
// Nothing here reads or starts anything. docs/internals/order.md says how it works and how good the
// shuffle is.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/result.h>

namespace pilum {

/// The largest number of rows that can be shuffled or split by ratios.
inline constexpr uint64_t kMaxOrderedRows = uint64_t{1} << 63;

struct ShuffleOptions {
  uint64_t seed = 0;        ///< any value; of a run
  uint64_t epoch = 0;       ///< any value; another one gives another order
  uint64_t clump_size = 1;  ///< rows that stay together in stored order, so that they are read
                            ///< together; the last clump may have fewer. At least 1.
};

/// A bijection of positions [0, n) to row numbers [0, n). The same rows and options give the same
/// order for ever: on every platform and in every version of pilum.
///
/// An immutable value: cheap to copy, usable from any thread and in a forked child. All copies
/// share some two hundred bytes, with fewer than 2^16 clumps also eight bytes per clump.
///
/// Sources: Black and Rogaway, Ciphers with Arbitrary Finite Domains, 2002 (the shuffle);
/// Durstenfeld, Algorithm 235: Random permutation, 1964 (the shuffle of fewer than 2^16 clumps).
class RowOrder {
 public:
  /// Rows in stored order: position and row are the same.
  static RowOrder Stored(uint64_t rows);

  /// Rows shuffled, clump by clump: time O(1), with fewer than 2^16 clumps O(clumps). A clump size
  /// of `rows` or more gives the stored order. kInvalidArgument: a clump size of 0, or more rows
  /// than kMaxOrderedRows.
  static arrow::Result<RowOrder> Shuffled(uint64_t rows, const ShuffleOptions& options);

  uint64_t size() const { return rows_; }

  /// The row at `position`, which must be less than size(). Time O(1), expected.
  uint64_t RowAt(uint64_t position) const;

  /// The position of `row`, which must be less than size(): the inverse of RowAt. Time O(1),
  /// expected.
  uint64_t PositionOf(uint64_t row) const;

  /// The rows at `first` and the positions after it, as many as there is room for in `rows`; all of
  /// them must be less than size(). Faster than as many calls of RowAt.
  void Fill(uint64_t first, std::span<uint64_t> rows) const;

 private:
  class Clumps;
  RowOrder(uint64_t rows, std::shared_ptr<const Clumps> clumps);

  uint64_t rows_;
  std::shared_ptr<const Clumps> clumps_;  // null: stored order
};

// Sizes of splits, in rows. Splits are cut from an order of `rows` rows one after the other; rows
// behind the last one are not used. No split is empty. Pure functions, linear in the number of
// splits; errors are kInvalidArgument and say which split they are about.

/// `splits` splits of rows / splits rows each, rounded down. Errors: splits < 1 or splits > rows.
arrow::Result<std::vector<uint64_t>> EqualSplitSizes(uint64_t rows, int64_t splits);

/// As many splits as `counts`, each of that size. Errors: no counts, counts < 1, a sum above
/// `rows`.
arrow::Result<std::vector<uint64_t>> SplitSizesByCounts(uint64_t rows,
                                                        std::span<const int64_t> counts);

/// As many splits as `ratios`, each with its share of the rows, rounded to whole rows, halves
/// upwards. Where that exceeds `rows`, splits of more than one row give up one each, from the first
/// on; where the ratios sum to 1 within half a row and rows are left, splits get one more each,
/// from the first on. As ratios may come in single precision, a sum that exceeds 1 by at most 1e-6
/// is scaled to 1, and a share that lacks at most 1e-6 of a row is a whole one. Errors: no ratios,
/// ratios outside of [0, 1], a sum above 1, a share below one row, more rows than kMaxOrderedRows.
arrow::Result<std::vector<uint64_t>> SplitSizesByRatios(uint64_t rows,
                                                        std::span<const double> ratios);

/// One of `world_size` readers that share an epoch. The epoch's rows are cut into splits, of which
/// reader r of W has those whose number is r modulo W. Samples come from the splits in turns: sample
/// g of the epoch is row g / S of split g mod S, whoever delivers it. So the k-th batch of all readers
/// together is the same set of rows for every W that divides the number of splits S.
struct EpochReader {
  uint64_t rank = 0;
  uint64_t world_size = 1;
};

/// How much of an epoch was delivered, for each of its splits. Places may be ahead of samples where
/// rows were skipped.
struct EpochProgress {
  std::vector<uint64_t> samples;  ///< delivered
  std::vector<uint64_t> places;   ///< gone past: delivered or skipped

  /// After the first samples of the epoch, none of them skipped.
  static EpochProgress After(uint64_t samples, uint64_t num_splits);
  /// What `reader` knows who has delivered this much of its own splits: of the others at least as
  /// much as of the one that it has delivered least of, and nothing about rows they skipped.
  EpochProgress KnownTo(const EpochReader& reader) const;
  /// What two readers know together. Both must be of as many splits.
  void Merge(const EpochProgress& other);

  bool operator==(const EpochProgress&) const = default;
};

}  // namespace pilum
