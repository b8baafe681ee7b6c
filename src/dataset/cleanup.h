// Removal of old versions, and of files that nothing needs any more.
//
//   1. Read the manifests of all versions. Those stay that are young enough, the latest, those that
//      tags name, and those that branches began with, whose files the branches read.
//   2. Remove the manifests of the others, oldest first: from here on nobody can open them.
//   3. Remove the files that no remaining version refers to: at once if a removed version did,
//      otherwise only when they are old. A young one may be part of a commit that is under way.
//
// Whoever reads a version that is removed, or is about to restore, tag or branch it, loses it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <arrow/result.h>

#include "pilum/storage.h"

namespace pilum::dataset {

struct CleanupOptions {
  std::chrono::seconds older_than = std::chrono::days(14);  ///< versions younger than that stay
  /// Files that no version refers to stay until they are that old. Less than the longest write
  /// takes destroys what is being written.
  std::chrono::seconds unreferenced_older_than = std::chrono::days(7);
};

struct CleanupStats {
  uint64_t versions = 0;  ///< removed
  uint64_t files = 0;     ///< removed, manifests not counted
  uint64_t bytes = 0;     ///< removed, manifests included
};

/// Cleans a branch; empty = main. `table` is the store of the table, which holds tags and branches,
/// and `store` that of the branch: the same one for main.
arrow::Result<CleanupStats> Cleanup(ObjectStore& table, ObjectStore& store,
                                    const std::string& branch, const CleanupOptions& options = {});

}  // namespace pilum::dataset
