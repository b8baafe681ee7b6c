// Streaming the rows of an epoch: in any order, shared by many readers, read ahead, resumable.
//
//   pilum::EpochOptions options{.shuffle = pilum::ShuffleOptions{.seed = 7}, .num_splits = 48,
//                               .reader = {.rank = 3, .world_size = 8}, .batch_size = 256};
//   auto stream = pilum::OpenEpoch(snapshot, options).ValueOrDie();
//   while (auto batch = stream->Next().ValueOrDie()) Train(*batch);
//   stream->progress();  // at any time: where another stream, of any number of readers, goes on
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "pilum/order.h"
#include "pilum/scan.h"
#include "pilum/table.h"

namespace pilum {

struct EpochOptions {
  Columns columns;
  /// SQL conditions, as in ScanOptions: the epoch has the rows for which all are TRUE. Evaluated once,
  /// when the stream is opened.
  std::vector<std::string> filter;
  std::optional<ShuffleOptions> shuffle = ShuffleOptions{};  ///< nothing: splits in stored order
  uint64_t num_splits = 1;    ///< the epoch is the same for every world size that divides it
  EpochReader reader;         ///< whose share of the epoch is delivered
  int64_t batch_size = 1024;  ///< rows per batch; the last one may have fewer
  uint64_t readahead_bytes = 64 << 20;  ///< as TakeOptions
  uint64_t readahead_rows = 0;          ///< as TakeOptions
};

/// One reader's share of an epoch, a batch at a time. One consumer; progress is the consumer's, too.
class EpochStream : public BatchStream {
 public:
  /// Rows of all readers, and those that no split has: at most num_splits - 1.
  virtual uint64_t num_samples() const = 0;
  virtual uint64_t surplus() const = 0;

  /// What was delivered of each split, and a bound for those of other readers
  /// (EpochProgress::KnownTo). Merged over all readers it says exactly how far the epoch is; after
  /// whole rounds of all splits that of any one reader does.
  virtual EpochProgress progress() const = 0;
};

/// Streams the rest of an epoch after `start`, the whole of it by default. Nothing is read before
/// the first batch but the columns of the filter, which takes at most a bit for each row of the
/// table; `start` costs nothing.
/// kInvalidArgument: unknown columns, fewer rows than splits, a number of splits that the world size
/// does not divide, a start with another number of splits or beyond the end, a batch size below 1.
arrow::Result<std::shared_ptr<EpochStream>> OpenEpoch(
    std::shared_ptr<const Snapshot> snapshot, const EpochOptions& options,
    const std::optional<EpochProgress>& start = std::nullopt);

}  // namespace pilum
