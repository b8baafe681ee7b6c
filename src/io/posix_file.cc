#include "io/posix_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "pilum/error.h"

namespace pilum::io {
namespace {

struct Meaning {
  ErrorKind kind;
  std::string_view advice;
};

Meaning MeaningOf(int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
      return {ErrorKind::kNotFound, "check the path"};
    case EEXIST:
      return {ErrorKind::kAlreadyExists, "it stays as it was"};
    case EACCES:
    case EPERM:
    case EROFS:
      return {ErrorKind::kPermission, "check owner and mode of the file and its folders"};
    case ENAMETOOLONG:
    case ELOOP:
    case EISDIR:
    case EINVAL:
      return {ErrorKind::kInvalidArgument, "check the path"};
    case ENOSPC:
    case EDQUOT:
      return {ErrorKind::kUnavailable, "the disk is full: free some space"};
    case EFBIG:
      return {ErrorKind::kUnavailable, "raise the limit on file sizes (ulimit -f)"};
    case EMFILE:
    case ENFILE:
      return {ErrorKind::kUnavailable, "raise the limit on open files (ulimit -n)"};
    case EOPNOTSUPP:
    case ENOSYS:
      return {ErrorKind::kUnsupported, "this file system cannot do it"};
    default:
      return {ErrorKind::kUnavailable, "check the disk or the network file system"};
  }
}

}  // namespace

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

UniqueFd OpenFile(const std::string& path, int flags, int mode) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return UniqueFd(fd);
}

arrow::Status ErrnoError(int error_number, std::string_view action, const std::string& path) {
  Meaning meaning = MeaningOf(error_number);
  return MakeError(meaning.kind,
                   "cannot " + std::string(action) + " '" + path +
                       "': " + std::generic_category().message(error_number) + "; " +
                       std::string(meaning.advice),
                   {.path = path});
}

}  // namespace pilum::io
