// What the streams of an epoch have in common: which samples there are, and from where on.
#pragma once

#include <memory>
#include <optional>

#include <arrow/result.h>

#include "order/epoch_sequence.h"
#include "pilum/stream.h"

namespace pilum::stream {

struct EpochPlan {
  order::EpochSequence sequence;
  EpochProgress start;

  /// Errors as OpenEpoch.
  static arrow::Result<EpochPlan> Make(const EpochRows& rows, const EpochOptions& options,
                                       const std::optional<EpochProgress>& start);
};

/// kInvalidArgument: a deal as OpenEpoch refuses it.
arrow::Status CheckDeal(const EpochOptions& options);

/// The rows whose numbers among `rows` are `keys`, read ahead as the options say.
arrow::Result<std::shared_ptr<BatchStream>> TakeAhead(const EpochRows& rows,
                                                      const EpochOptions& options, RowKeys keys);

}  // namespace pilum::stream
