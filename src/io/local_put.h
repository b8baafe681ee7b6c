// Atomic creation of local files.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <arrow/result.h>
#include <arrow/status.h>

#include "pilum/storage.h"

namespace pilum::io {

/// Whether a file name is one that is given to files that are not complete yet.
bool IsTemporaryName(std::string_view name);

/// Where a file goes, and whether it must survive a crash of the system.
struct LocalTarget {
  std::string folder;  ///< made if need be
  std::string name;
  bool sync = true;

  std::string path() const { return folder + "/" + name; }
};

/// Writes `bytes` to the target:
///   temporary file in the same folder ─► fsync ─► rename ─► fsync of the folder
/// so that a reader, or the system after a crash, finds all of the file or nothing of it. Without
/// `sync` the two flushes are left out. With `create_only` the rename fails with kAlreadyExists
/// rather than replace. The temporary file goes away on every failure.
arrow::Status PutLocalFile(const LocalTarget& target, std::span<const std::byte> bytes,
                           bool create_only);

/// The same in pieces; never replaces.
arrow::Result<std::unique_ptr<ObjectWriter>> CreateLocalFile(LocalTarget target);

/// Renames a folder, and flushes both names if the target says so. What stands at the target and is
/// not an empty folder is kAlreadyExists.
arrow::Status RenameLocalFolder(const std::string& from, const LocalTarget& target);

}  // namespace pilum::io
