// The next version of a table: what a transaction makes of the one before.
//
//   manifest file of version v + transaction ─► manifest file of version v + 1
//
// Changes the parsed messages in place: what is not concerned stays, whether it is understood or
// not. Pure functions.
#pragma once

#include <arrow/result.h>

#include "dataset/manifest_file.h"
#include "dataset/transaction.h"

namespace pilum::dataset {

/// `previous` of default value is the version before the first. A Restore is applied by
/// ApplyRestore. Fails with kUnsupported when the table has features that writers must keep up and
/// this one cannot, and with kInvalidArgument on fragments that do not exist.
arrow::Result<ManifestFile> ApplyTransaction(ManifestFile previous, const Transaction& transaction);

/// The version after `latest`, with the contents of `restored`.
arrow::Result<ManifestFile> ApplyRestore(const ManifestFile& latest, ManifestFile restored);

}  // namespace pilum::dataset
