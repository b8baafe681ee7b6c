// Which transactions can follow which, when both were made from the same version of a table. Pure
// functions.
#pragma once

#include <cstdint>

#include <arrow/status.h>

#include "dataset/transaction.h"

namespace pilum::dataset {

enum class Verdict {
  kOk,     ///< ours can be applied on top of theirs
  kMerge,  ///< the same, if they deleted other rows of the fragments that both changed
  kRetry,  ///< not as it is; the same operation can be done again on the new version
  kFail,   ///< the table is not the one that ours was meant for
};

/// `theirs` was committed after the version that `ours` was made from.
Verdict CheckConflict(const TransactionSummary& ours, const TransactionSummary& theirs,
                      bool stable_row_ids);

/// The kCommitConflict for kRetry and kFail: names their version, operation and uuid, and says
/// whether to try again.
arrow::Status ConflictError(const TransactionSummary& ours, const TransactionSummary& theirs,
                            uint64_t their_version, Verdict verdict);

}  // namespace pilum::dataset
