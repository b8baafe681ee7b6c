// Commits: how a transaction becomes the next version of a table.
//
//   1. Find the latest version, L. Writers share nothing but the store.
//   2. Of each version after the one the transaction was made from, R, read what made it: if it was
//      this very transaction, it is committed already; if it conflicts (conflict.h), fail.
//   3. Make the transaction fit L: deletions in the same fragments are merged (rebase.h).
//   4. Write `_transactions/R-<uuid>.txn`. Nothing refers to it yet.
//   5. Make the manifest of L + 1 from that of L (apply.h), and check that readers
//      understand it.
//   6. Put it under its name in `_versions` unless that exists: the commit. Before, the table is at
//      L, afterwards at L + 1, and there is nothing between.
//   7. If it exists, another writer was faster: go on with 1.
//
// A writer that dies leaves files that nothing refers to, which cleanup removes. Data files must be
// durable before Commit is called. When the store fails in step 6, nobody knows whether the version
// exists; committing the same transaction once more finds out, because of step 2.
#pragma once

#include <memory>
#include <optional>

#include <arrow/result.h>

#include "dataset/manifest.h"
#include "dataset/manifest_file.h"
#include "dataset/transaction.h"
#include "pilum/storage.h"

namespace pilum::dataset {

struct CommitOptions {
  /// How often to start over when another writer was faster. Appends, which conflict with little,
  /// start over as often as it takes.
  int max_retries = 20;
  /// The manifest holds the transaction in any case.
  bool write_transaction_file = true;
};

/// A version that a commit has made: what readers see, and what the next one is made of.
struct CommittedVersion {
  VersionInfo info;
  std::shared_ptr<const Manifest> manifest;
  std::optional<ManifestFile> file;  ///< nothing if it was found committed already
};

/// The new version. `store` is the table's, or the branch's. `known` is one that a commit before has
/// made; it need not be read again if it is still the latest. kCommitConflict names the transaction
/// that was in the way; kAlreadyExists: a table is to be created where there is one.
arrow::Result<CommittedVersion> Commit(ObjectStore& store, const Transaction& transaction,
                                       std::optional<CommittedVersion> known = std::nullopt,
                                       const CommitOptions& options = {});

}  // namespace pilum::dataset
