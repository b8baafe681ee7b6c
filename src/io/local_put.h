// Atomic creation of local files.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include <arrow/status.h>

namespace pilum::io {

/// Whether a file name is one that PutLocalFile gives to files that are not complete yet.
bool IsTemporaryName(std::string_view name);

/// Writes `bytes` to the file `name` in `folder`, which is made if need be:
///   temporary file in the same folder ─► fsync ─► rename ─► fsync of the folder
/// so that a reader, or the system after a crash, finds all of the file or nothing of it. With
/// `create_only` the rename fails with kAlreadyExists rather than replace. The temporary file goes
/// away on every failure.
arrow::Status PutLocalFile(const std::string& folder, const std::string& name,
                           std::span<const std::byte> bytes, bool create_only);

}  // namespace pilum::io
