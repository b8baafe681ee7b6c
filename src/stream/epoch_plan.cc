#include "stream/epoch_plan.h"

#include <string>
#include <utility>
#include <vector>

#include "pilum/error.h"

namespace pilum::stream {
namespace {

using arrow::Result;
using arrow::Status;

Status CheckStart(const EpochProgress& start, const order::EpochSequence& sequence) {
  const uint64_t splits = sequence.num_splits();
  if (start.samples.size() != splits || start.places.size() != splits) {
    return MakeError(ErrorKind::kInvalidArgument, "num_splits mismatch: the progress is of " +
                                                      std::to_string(start.samples.size()) +
                                                      " splits, the epoch has " +
                                                      std::to_string(splits));
  }
  for (size_t i = 0; i < splits; ++i) {
    if (start.samples[i] > start.places[i] || start.places[i] > sequence.rows_per_split()) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "the progress of split " + std::to_string(i) + " is " +
                           std::to_string(start.samples[i]) + " samples at place " +
                           std::to_string(start.places[i]) + ", but it has " +
                           std::to_string(sequence.rows_per_split()) + " rows");
    }
  }
  return Status::OK();
}

Result<order::EpochSequence> MakeSequence(uint64_t rows, const EpochOptions& options) {
  RowOrder order = RowOrder::Stored(rows);
  if (options.shuffle) {
    ARROW_ASSIGN_OR_RAISE(order, RowOrder::Shuffled(rows, *options.shuffle));
  }
  return order::EpochSequence::Make(std::move(order), options.num_splits);
}

}  // namespace

Result<EpochPlan> EpochPlan::Make(const EpochRows& rows, const EpochOptions& options,
                                  const std::optional<EpochProgress>& start) {
  if (options.batch_size < 1) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "batch_size must be at least 1, not " + std::to_string(options.batch_size));
  }
  if (options.batches_at_once < 1) {
    return MakeError(ErrorKind::kInvalidArgument, "batches_at_once must be at least 1, not " +
                                                      std::to_string(options.batches_at_once));
  }
  ARROW_RETURN_NOT_OK(order::CheckReader(options.reader, options.num_splits));
  ARROW_ASSIGN_OR_RAISE(order::EpochSequence sequence, MakeSequence(rows.size(), options));
  const EpochProgress from = start ? *start : EpochProgress::After(0, options.num_splits);
  ARROW_RETURN_NOT_OK(CheckStart(from, sequence));
  return EpochPlan{std::move(sequence), from};
}

Status CheckDeal(const EpochOptions& options) {
  const Deal& deal = options.deal;
  if (deal.index < deal.count && (deal.count == 1 || options.whole_batches)) return Status::OK();
  return MakeError(ErrorKind::kInvalidArgument,
                   "the deal has index " + std::to_string(deal.index) + " of " +
                       std::to_string(deal.count) +
                       (options.whole_batches ? "" : ", and batches need not be whole"));
}

Result<std::shared_ptr<BatchStream>> TakeAhead(const EpochRows& rows, const EpochOptions& options,
                                               RowKeys keys) {
  RowKeys offsets = [keys = std::move(keys), rows](uint64_t most, std::vector<uint64_t>* out) {
    const size_t first = out->size();
    ARROW_RETURN_NOT_OK(keys(most, out));
    for (size_t i = first; i < out->size(); ++i) (*out)[i] = rows.OffsetAt((*out)[i]);
    return Status::OK();
  };
  const int64_t together = options.whole_batches ? options.batch_size : 1;
  return rows.snapshot().TakeAhead(std::move(offsets),
                                   {.columns = options.columns,
                                    .readahead_bytes = options.readahead_bytes,
                                    .readahead_rows = options.readahead_rows,
                                    .rows_together = static_cast<uint64_t>(together),
                                    .counters = options.counters});
}

}  // namespace pilum::stream
