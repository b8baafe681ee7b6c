#include "io/store_path.h"

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

}  // namespace pilum::io
