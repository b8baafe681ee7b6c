#include "io/local_put.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "io/posix_file.h"
#include "io/writer_step.h"
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
arrow::Status MakeFolder(const std::string& folder, bool sync) {
  const std::string parent = folder.substr(0, folder.rfind('/'));
  int made = ::mkdir(folder.c_str(), 0777);
  if (made != 0 && errno == ENOENT && folder.find('/') != std::string::npos) {
    ARROW_RETURN_NOT_OK(MakeFolder(parent, sync));
    made = ::mkdir(folder.c_str(), 0777);
  }
  // Another process may have made it a moment ago, and not have got to flushing its name.
  if (made != 0 && errno != EEXIST) return ErrnoError(errno, "make the folder", folder);
  return sync ? SyncFolder(parent) : arrow::Status::OK();
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

  arrow::Status Append(std::span<const std::byte> bytes, const std::string& target) {
    while (!bytes.empty()) {
      ssize_t n = ::write(fd_.get(), bytes.data(), bytes.size());
      if (n >= 0) {
        bytes = bytes.subspan(static_cast<size_t>(n));
      } else if (errno != EINTR) {
        return ErrnoError(errno, "write", target);
      }
    }
    return arrow::Status::OK();
  }

  /// The last step: flushes the file, gives it its name and flushes that, too.
  arrow::Status Publish(const LocalTarget& target, bool create_only) {
    if (target.sync && ::fsync(fd_.get()) != 0) return ErrnoError(errno, "sync", target.path());
    ARROW_RETURN_NOT_OK(MoveTo(target.path(), create_only));
    return target.sync ? SyncFolder(target.folder) : arrow::Status::OK();
  }

 private:
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

  std::string path_;
  UniqueFd fd_;
  int error_ = 0;
  bool moved_ = false;
};

arrow::Result<std::unique_ptr<TemporaryFile>> MakeTemporaryFile(const LocalTarget& target) {
  auto file = std::make_unique<TemporaryFile>(target.folder);
  if (file->error() == ENOENT) {
    ARROW_RETURN_NOT_OK(MakeFolder(target.folder, target.sync));
    file = std::make_unique<TemporaryFile>(target.folder);
  }
  if (file->error() == ENOTDIR) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "cannot write '" + target.path() + "': a file stands where it needs a folder",
                     {.path = target.path()});
  }
  if (file->error() != 0) return ErrnoError(file->error(), "write", target.path());
  return file;
}

class LocalWriter final : public ObjectWriter {
 public:
  LocalWriter(LocalTarget target, std::unique_ptr<TemporaryFile> file)
      : target_(std::move(target)), path_(target_.path()), file_(std::move(file)) {}

  uint64_t size() const override { return size_; }

  arrow::Status Append(std::span<const std::byte> bytes) override {
    return WriterStep(file_, path_, [&](TemporaryFile& file) {
      size_ += bytes.size();
      return file.Append(bytes, path_);
    });
  }

  arrow::Status Finish() override {
    ARROW_RETURN_NOT_OK(WriterStep(file_, path_, [&](TemporaryFile& file) {
      return file.Publish(target_, /*create_only=*/true);
    }));
    file_.reset();
    return arrow::Status::OK();
  }

 private:
  const LocalTarget target_;
  const std::string path_;
  std::unique_ptr<TemporaryFile> file_;
  uint64_t size_ = 0;
};

}  // namespace

bool IsTemporaryName(std::string_view name) {
  return name.starts_with(kTemporaryPrefix) && name.ends_with(kTemporarySuffix);
}

arrow::Status PutLocalFile(const LocalTarget& target, std::span<const std::byte> bytes,
                           bool create_only) {
  ARROW_ASSIGN_OR_RAISE(auto file, MakeTemporaryFile(target));
  ARROW_RETURN_NOT_OK(file->Append(bytes, target.path()));
  return file->Publish(target, create_only);
}

arrow::Status RenameLocalFolder(const std::string& from, const LocalTarget& target) {
  if (::rename(from.c_str(), target.path().c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == ENOTDIR) errno = EEXIST;
    return ErrnoError(errno, "rename '" + from + "' to", target.path());
  }
  if (!target.sync) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(SyncFolder(target.folder));
  const std::string folder = from.substr(0, from.rfind('/'));
  return folder == target.folder ? arrow::Status::OK() : SyncFolder(folder);
}

arrow::Result<std::unique_ptr<ObjectWriter>> CreateLocalFile(LocalTarget target) {
  ARROW_ASSIGN_OR_RAISE(auto file, MakeTemporaryFile(target));
  return std::make_unique<LocalWriter>(std::move(target), std::move(file));
}

}  // namespace pilum::io
