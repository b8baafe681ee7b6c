#include "io/store_path.h"

#include <arrow/util/uri.h>

#include "pilum/error.h"

namespace pilum::io {
namespace {

std::string_view PathFault(std::string_view path) {
  if (path.find('\0') != std::string_view::npos) return "contains a NUL byte";
  for (;;) {
    size_t slash = path.find('/');
    std::string_view part = path.substr(0, slash);
    if (part.empty()) return "has an empty part";
    if (part == "." || part == "..") return "has a \".\" or \"..\" part";
    if (slash == std::string_view::npos) return "";
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

bool IsInnerPath(std::string_view path) { return PathFault(path).empty(); }

arrow::Status CheckObjectPath(std::string_view root, std::string_view path) {
  std::string_view fault = PathFault(path);
  if (fault.empty()) return arrow::Status::OK();
  return MakeError(ErrorKind::kInvalidArgument,
                   "the path '" + std::string(path) + "' " + std::string(fault) +
                       "; objects of a store have relative paths such as 'data/x.lance'",
                   {.path = std::string(root)});
}

arrow::Status CheckFolderPath(std::string_view root, std::string_view path) {
  std::string_view folder = WithoutTrailingSlashes(path);
  // Slashes alone would be the root of the machine.
  if (folder.empty() && path.empty()) return arrow::Status::OK();
  return CheckObjectPath(root, folder);
}

std::string JoinPath(std::string_view folder, std::string_view path) {
  std::string joined(folder);
  if (!folder.empty() && !path.empty()) joined += '/';
  return joined += path;
}

std::string_view WithoutTrailingSlashes(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

arrow::Result<std::string> LocalPathOf(std::string_view location) {
  constexpr std::string_view kFileScheme = "file://";
  std::string path(location);
  if (location.starts_with(kFileScheme)) {
    path = arrow::util::UriUnescape(location.substr(kFileScheme.size()));
  } else if (location.find("://") != std::string_view::npos) {
    return MakeError(ErrorKind::kUnsupported,
                     "'" + path + "' cannot be opened by this version; it reads local files");
  }
  if (!path.starts_with('/')) {
    return MakeError(ErrorKind::kCorruptData,
                     "the recorded location '" + std::string(location) + "' is no absolute path");
  }
  return path;
}

}  // namespace pilum::io
