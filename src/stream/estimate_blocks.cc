#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "pilum/error.h"
#include "pilum/packing.h"
#include "stream/epoch_plan.h"
#include "stream/token_rows.h"

namespace pilum {
namespace {

using arrow::Result;
using arrow::Status;

uint64_t SampleSize(uint64_t rows) {
  return std::min(rows, std::clamp<uint64_t>(rows / 100, 1000, 100'000));
}

/// Tokens of the first rows of `order`, each eos included.
Result<uint64_t> CountTokens(const EpochRows& rows, EpochOptions options, const RowOrder& order,
                             uint64_t count) {
  options.counters = std::make_shared<ReadCounters>();
  RowKeys keys = [order, count, next = uint64_t{0}](uint64_t most,
                                                    std::vector<uint64_t>* out) mutable {
    out->resize(std::min(most, count - next));
    order.Fill(next, *out);
    next += out->size();
    return Status::OK();
  };
  ARROW_ASSIGN_OR_RAISE(const auto taken, stream::TakeAhead(rows, options, std::move(keys)));
  ARROW_RETURN_NOT_OK(stream::CheckTokens(*taken->schema()));
  uint64_t tokens = count;
  ARROW_RETURN_NOT_OK(VisitBatches(*taken, [&](const arrow::RecordBatch& batch) {
    tokens += stream::TokenRows(batch).Tokens(0, batch.num_rows());
    return Status::OK();
  }));
  return tokens;
}

}  // namespace

Result<uint64_t> EstimateBlocksPerEpoch(const EpochRows& rows, const EpochOptions& options,
                                        int64_t block_tokens) {
  if (block_tokens < 1) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "block_tokens must be at least 1, not " + std::to_string(block_tokens));
  }
  ARROW_ASSIGN_OR_RAISE(const auto plan, stream::EpochPlan::Make(rows, options, std::nullopt));
  const uint64_t sample = SampleSize(rows.size());
  ARROW_ASSIGN_OR_RAISE(const RowOrder order, RowOrder::Shuffled(rows.size(), {}));
  ARROW_ASSIGN_OR_RAISE(const uint64_t tokens, CountTokens(rows, options, order, sample));
  const double per_split = static_cast<double>(plan.sequence.rows_per_split()) *
                           static_cast<double>(tokens) / static_cast<double>(sample);
  const double blocks = std::ceil(per_split / static_cast<double>(block_tokens));
  return options.num_splits * static_cast<uint64_t>(blocks);
}

}  // namespace pilum
