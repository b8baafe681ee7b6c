// Paths of objects and folders inside a store.
#pragma once

#include <string>
#include <string_view>

#include <arrow/result.h>
#include <arrow/status.h>

namespace pilum::io {

/// Whether a '/'-separated path stays below the folder it is relative to: no part is empty, "." or
/// "..", and there is no NUL. Absolute paths begin with an empty part.
bool IsInnerPath(std::string_view path);

/// kInvalidArgument unless `path` is an inner path. `root` is for the message.
arrow::Status CheckObjectPath(std::string_view root, std::string_view path);

/// The same for a folder: the empty path is the root itself, and a slash at the end does no harm.
arrow::Status CheckFolderPath(std::string_view root, std::string_view path);

/// `path` below `folder`; either may be empty.
std::string JoinPath(std::string_view folder, std::string_view path);

/// `path` without the slashes at its end.
std::string_view WithoutTrailingSlashes(std::string_view path);

/// The local path that a recorded location stands for: an absolute path as it is, or a file:// URI
/// with its escapes resolved. Other schemes are kUnsupported, relative paths kCorruptData.
arrow::Result<std::string> LocalPathOf(std::string_view location);

}  // namespace pilum::io
