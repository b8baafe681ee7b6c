// Streaming the rows of an epoch: in any order, shared by many readers, read ahead, resumable.
//
//   pilum::EpochOptions options{.shuffle = pilum::ShuffleOptions{.seed = 7}, .num_splits = 48,
//                               .reader = {.rank = 3, .world_size = 8}, .batch_size = 256};
//   auto rows = pilum::EpochRows::Find(snapshot, {"label < 5"}).ValueOrDie();
//   auto stream = pilum::OpenEpoch(rows, options).ValueOrDie();
//   while (auto batch = stream->Next().ValueOrDie()) Train(*batch);
//   stream->progress();  // at any time: where another stream, of any number of readers, goes on
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "pilum/order.h"
#include "pilum/scan.h"
#include "pilum/table.h"

namespace pilum {

/// The rows of a table's version that epochs are of. An immutable value: cheap to copy, usable from
/// any thread and in a forked child.
class EpochRows {
 public:
  /// Those for which all conditions are TRUE, SQL as in ScanOptions; all rows by default. Reads the
  /// columns of the conditions, and keeps at most a bit and a little for each row of the table.
  static arrow::Result<EpochRows> Find(std::shared_ptr<const Snapshot> snapshot,
                                       const std::vector<std::string>& filter = {});

  const Snapshot& snapshot() const { return *snapshot_; }
  uint64_t size() const { return size_; }
  /// The offset in the version of the `rank`-th of them, which must be less than size().
  uint64_t OffsetAt(uint64_t rank) const;
  /// The how manieth of them the row at an offset is; nothing if it is none of them.
  std::optional<uint64_t> RankOf(uint64_t offset) const;

 private:
  struct Matching;
  EpochRows(std::shared_ptr<const Snapshot> snapshot, uint64_t size,
            std::shared_ptr<const Matching> matching)
      : snapshot_(std::move(snapshot)), size_(size), matching_(std::move(matching)) {}

  std::shared_ptr<const Snapshot> snapshot_;
  uint64_t size_;
  std::shared_ptr<const Matching> matching_;  // null: all rows
};

/// Of the batches of a reader's share, those whose number is `index` modulo `count`: several consumers
/// that deal the batches among them deliver together what one would, in the same batches.
struct Deal {
  uint64_t index = 0;
  uint64_t count = 1;
};

struct EpochOptions {
  Columns columns;
  std::optional<ShuffleOptions> shuffle = ShuffleOptions{};  ///< nothing: splits in stored order
  uint64_t num_splits = 1;      ///< the epoch is the same for every world size that divides it
  EpochReader reader;           ///< whose share of the epoch is delivered
  int64_t batch_size = 1024;    ///< rows per batch; the last one may have fewer
  bool whole_batches = true;    ///< false: others may, too, for which nothing is then copied or
                                ///< waited for
  int64_t batches_at_once = 1;  ///< whole ones are handed over as one, so many at most, if they
                                ///< were read together
  Deal deal;                    ///< needs whole batches, unless it is all of them
  uint64_t readahead_bytes = 64 << 20;  ///< as TakeOptions
  uint64_t readahead_rows = 0;          ///< as TakeOptions
  std::shared_ptr<ReadCounters> counters = std::make_shared<ReadCounters>();
};

/// One reader's share of an epoch, a batch at a time. One consumer; progress is the consumer's, too.
class EpochStream : public BatchStream {
 public:
  /// Rows of all readers, and those that no split has: at most num_splits - 1.
  virtual uint64_t num_samples() const = 0;
  virtual uint64_t surplus() const = 0;

  /// What was delivered of each split, and a bound for those of other readers
  /// (EpochProgress::KnownTo). Merged over all readers it says exactly how far the epoch is; after
  /// whole rounds of all splits that of any one reader does. The last `unused` samples of what was
  /// delivered last, at most all of it, are left out. Where batches are dealt, those of others before a
  /// delivered one count as delivered.
  virtual EpochProgress progress(uint64_t unused = 0) const = 0;
};

/// One reader's share of an epoch as batches of one split each: what a function that sees whole
/// batches is to see, whoever reads the split and wherever it was interrupted. One consumer.
class SplitStream : public BatchStream {
 public:
  /// Of the batch that was delivered last: its split, and the place there of its first row.
  virtual uint64_t split() const = 0;
  virtual uint64_t place() const = 0;
};

/// Streams the rest of an epoch after `start`, the whole of it by default, which costs nothing.
/// kInvalidArgument: unknown columns, fewer rows than splits, a number of splits that the world size
/// does not divide, a start with another number of splits or beyond the end, a batch size or a number of
/// batches below 1, a deal of batches that are not whole or with an index that is not below its count.
arrow::Result<std::shared_ptr<EpochStream>> OpenEpoch(
    const EpochRows& rows, const EpochOptions& options,
    const std::optional<EpochProgress>& start = std::nullopt);

/// The same, each batch of one split: rows [k * batch_size, (k + 1) * batch_size) of it, the last one
/// fewer. The first batch of a split has the row that comes next by `start`, and those before it in
/// its batch. Batches come in the order in which samples of them are needed first.
arrow::Result<std::shared_ptr<SplitStream>> OpenSplits(
    const EpochRows& rows, const EpochOptions& options,
    const std::optional<EpochProgress>& start = std::nullopt);

}  // namespace pilum
