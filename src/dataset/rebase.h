// Making a transaction fit a version that came after the one it was made from.
#pragma once

#include <arrow/result.h>

#include "dataset/manifest.h"
#include "dataset/transaction.h"
#include "pilum/storage.h"

namespace pilum::dataset {

/// Rebases deletions: where others have deleted rows of a fragment that `transaction` deletes rows
/// of, too, a new deletion file with both is written and takes the place of the transaction's. A
/// fragment that is left without rows is removed. False when both deleted the same row, or when
/// anything else about the fragment has changed: then the operation has to be done again.
arrow::Result<bool> MergeDeletions(ObjectStore& store, const Manifest& read, const Manifest& latest,
                                   Transaction* transaction);

/// Whether rows that were written for one schema are rows of a later one: its fields are the same
/// or new ones that may be null. Dropped fields do no harm.
bool AcceptsRowsOf(const Schema& written_for, const Schema& latest);

}  // namespace pilum::dataset
