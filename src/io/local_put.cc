#include "io/local_put.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <optional>

#include "io/posix_file.h"
#include "pilum/error.h"

namespace pilum::io {
namespace {

constexpr std::string_view kTemporaryPrefix = ".pilum-";
constexpr std::string_view kTemporarySuffix = ".tmp";

arrow::Status SyncFolder(const std::string& folder) {
  UniqueFd fd = OpenFile(folder + "/", O_RDONLY | O_DIRECTORY);  // "" is the root
  if (!fd.valid()) return ErrnoError(errno, "open", folder);
  // Some file systems keep folders durable by themselves and refuse the call.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return ErrnoError(errno, "sync", folder);
  return arrow::Status::OK();
}

/// Makes a folder and the missing ones above it.
arrow::Status MakeFolder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0777) != 0) {
    if (errno == EEXIST) return arrow::Status::OK();
    if (errno != ENOENT || folder.find('/') == std::string::npos) {
      return ErrnoError(errno, "make the folder", folder);
    }
    ARROW_RETURN_NOT_OK(MakeFolder(folder.substr(0, folder.rfind('/'))));
    if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) {
      return ErrnoError(errno, "make the folder", folder);
    }
  }
  return SyncFolder(folder.substr(0, folder.rfind('/')));
}

std::string RandomName() {
  uint64_t random = 0;
  if (::getrandom(&random, sizeof(random), 0) != sizeof(random)) {
    random = static_cast<uint64_t>(::getpid());  // another file of that name is noticed and avoided
  }
  std::string name(kTemporaryPrefix);
  for (int i = 0; i < 16; ++i) name += "0123456789abcdef"[(random >> (4 * i)) & 15];
  return name.append(kTemporarySuffix);
}

/// A new file that is removed again unless it was moved to its final name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& folder) : path_(folder + "/" + RandomName()) {
    fd_ = OpenFile(path_, O_WRONLY | O_CREAT | O_EXCL, 0666);
    error_ = fd_.valid() ? 0 : errno;
  }
  ~TemporaryFile() {
    if (fd_.valid() && !moved_) ::unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  int error() const { return error_; }  ///< errno of the creation, 0 when it succeeded

  arrow::Status Write(std::span<const std::byte> bytes, const std::string& target) {
    while (!bytes.empty()) {
      ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
      if (n >= 0) {
        bytes = bytes.subspan(static_cast<size_t>(n));
      } else if (errno != EINTR) {
        return ErrnoError(errno, "write", target);
      }
    }
    if (::fsync(fd_.get()) != 0) return ErrnoError(errno, "sync", target);
    return arrow::Status::OK();
  }

  arrow::Status MoveTo(const std::string& target, bool create_only) {
    int failed = create_only ? ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target.c_str(),
                                           RENAME_NOREPLACE)
                             : ::rename(path_.c_str(), target.c_str());
    if (failed != 0 && create_only && (errno == EINVAL || errno == ENOSYS)) {
      // The file system cannot rename that way. A second name is as atomic; the first goes with
      // `this`.
      if (::link(path_.c_str(), target.c_str()) == 0) return arrow::Status::OK();
      if (errno == EPERM) errno = EOPNOTSUPP;
    }
    if (failed != 0) {
      return ErrnoError(errno, create_only ? "create" : "replace", target);
    }
    moved_ = true;
    return arrow::Status::OK();
  }

 private:
  std::string path_;
  UniqueFd fd_;
  int error_ = 0;
  bool moved_ = false;
};

}  // namespace

bool IsTemporaryName(std::string_view name) {
  return name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

arrow::Status PutLocalFile(const std::string& folder, const std::string& name,
                           std::span<const std::byte> bytes, bool create_only) {
  const std::string target = folder + "/" + name;
  std::optional<TemporaryFile> file(std::in_place, folder);
  if (file->error() == ENOENT) {
    ARROW_RETURN_NOT_OK(MakeFolder(folder));
    file.emplace(folder);
  }
  if (file->error() == ENOTDIR) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "cannot write '" + target + "': a file stands where it needs a folder",
                     {.path = target});
  }
  if (file->error() != 0) return ErrnoError(file->error(), "write", target);
  ARROW_RETURN_NOT_OK(file->Write(bytes, target));
  ARROW_RETURN_NOT_OK(file->MoveTo(target, create_only));
  return SyncFolder(folder);
}

}  // namespace pilum::io
