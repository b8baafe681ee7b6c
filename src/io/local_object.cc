#include "io/local_object.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "io/hot_blocks.h"
#include "io/object_range.h"
#include "io/posix_file.h"
#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::io {
namespace {

/// What tells a file from another one that took its place, or from itself after a change.
struct Identity {
  dev_t device;
  ino_t inode;
  off_t size;
  time_t seconds;
  long nanoseconds;  // NOLINT(runtime/int): the type in struct timespec

  bool operator==(const Identity&) const = default;
};

struct OpenedFile {
  UniqueFd fd;
  Identity identity;
};

arrow::Result<OpenedFile> OpenRegularFile(const std::string& path) {
  // O_NONBLOCK: a pipe of that name must not block us; regular files do not care.
  UniqueFd fd = OpenFile(path, O_RDONLY | O_NONBLOCK);
  if (!fd.valid()) return ErrnoError(errno, "open", path);
  struct stat info;
  if (::fstat(fd.get(), &info) != 0) return ErrnoError(errno, "examine", path);
  if (!S_ISREG(info.st_mode)) {
    return MakeError(ErrorKind::kNotFound,
                     "'" + path + "' is " +
                         (S_ISDIR(info.st_mode) ? "a folder" : "no regular file") +
                         ", not an object; check the path",
                     {.path = path});
  }
  Identity identity{info.st_dev, info.st_ino, info.st_size, info.st_mtim.tv_sec,
                    info.st_mtim.tv_nsec};
  return OpenedFile{std::move(fd), identity};
}

/// A permit to hold a descriptor. Counts without a lock, so a forked child goes on from the
/// parent's count, as it does with the descriptors themselves.
class HeldDescriptor {
 public:
  explicit HeldDescriptor(int max_held) : granted_(held_.fetch_add(1) < max_held) {
    if (!granted_) held_.fetch_sub(1);
  }
  ~HeldDescriptor() {
    if (granted_) held_.fetch_sub(1);
  }
  HeldDescriptor(const HeldDescriptor&) = delete;
  HeldDescriptor& operator=(const HeldDescriptor&) = delete;

  bool granted() const { return granted_; }

 private:
  static inline std::atomic<int> held_{0};
  const bool granted_;
};

class LocalObject final : public ReadableObject {
 public:
  LocalObject(std::string path, OpenedFile file, int max_held)
      : path_(std::move(path)),
        identity_(file.identity),
        permit_(max_held),
        hot_blocks_(static_cast<uint64_t>(identity_.size)) {
    if (permit_.granted()) fd_ = std::move(file.fd);
  }

  const std::string& name() const override { return path_; }
  uint64_t size() const override { return static_cast<uint64_t>(identity_.size); }
  const ReadPolicy& policy() const override { return kLocalReadPolicy; }

  arrow::Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    ARROW_RETURN_NOT_OK(CheckRange(*this, offset, out.size()));
    if (out.empty()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(Count(offset, out.size()));
    return Read(offset, out);
  }

  arrow::Status ReadInTwo(uint64_t offset, std::span<std::byte> head,
                          std::span<std::byte> rest) const override {
    const size_t size = head.size() + rest.size();
    ARROW_RETURN_NOT_OK(CheckRange(*this, offset, size));
    ARROW_RETURN_NOT_OK(Count(offset, size));
    const iovec pieces[] = {{head.data(), head.size()}, {rest.data(), rest.size()}};
    if (fd_.valid() &&
        ::preadv(fd_.get(), pieces, 2, static_cast<off_t>(offset)) == static_cast<ssize_t>(size)) {
      return arrow::Status::OK();
    }
    ARROW_RETURN_NOT_OK(Read(offset, head));  // piece by piece, and with errors
    return Read(offset + head.size(), rest);
  }

  // What the page cache has; file systems that cannot tell refuse.
  bool ReadNow(uint64_t offset, std::span<std::byte> head,
               std::span<std::byte> rest) const override {
    const size_t size = head.size() + rest.size();
    const iovec pieces[] = {{head.data(), head.size()}, {rest.data(), rest.size()}};
    return fd_.valid() &&
           ::preadv2(fd_.get(), pieces, 2, static_cast<off_t>(offset), RWF_NOWAIT) ==
               static_cast<ssize_t>(size) &&
           Count(offset, size).ok();
  }

  const std::byte* Resident(uint64_t offset, uint64_t length) const override {
    return hot_blocks_.Find(offset, length);
  }

 private:
  arrow::Status Count(uint64_t offset, size_t size) const {
    return hot_blocks_.Count(offset, size, [this](uint64_t start, std::span<std::byte> block) {
      return Read(start, block);
    });
  }

  arrow::Status Read(uint64_t offset, std::span<std::byte> out) const {
    if (fd_.valid()) return ReadFully(fd_.get(), offset, out);
    ARROW_ASSIGN_OR_RAISE(OpenedFile file, OpenRegularFile(path_));
    if (file.identity != identity_) {
      return MakeError(ErrorKind::kCorruptData,
                       "'" + path_ +
                           "' was changed or replaced while it was open; files of a table "
                           "must not be modified in place: open the table again",
                       {.path = path_, .offset = offset});
    }
    return ReadFully(file.fd.get(), offset, out);
  }

  arrow::Status ReadFully(int fd, uint64_t offset, std::span<std::byte> out) const {
    size_t done = 0;
    while (done < out.size()) {
      ssize_t n =
          ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n > 0) {
        done += static_cast<size_t>(n);
      } else if (n == 0) {
        return MakeError(ErrorKind::kCorruptData,
                         "'" + path_ + "' ends at byte " + std::to_string(offset + done) +
                             ", but had " + std::to_string(size()) +
                             " bytes when it was opened (wanted " + std::to_string(out.size()) +
                             " bytes from byte " + std::to_string(offset) +
                             " on); restore the file",
                         {.path = path_, .offset = offset + done});
      } else if (errno == EINTR) {
        ARROW_RETURN_NOT_OK(CancelScope::CheckNow());
      } else {
        return WithContext(ErrnoError(errno, "read", path_), {.offset = offset + done});
      }
    }
    return arrow::Status::OK();
  }

  const std::string path_;
  const Identity identity_;
  const HeldDescriptor permit_;
  UniqueFd fd_;  ///< invalid without a permit
  mutable HotBlocks hot_blocks_;
};

}  // namespace

int MaxHeldDescriptors() {
  constexpr rlim_t kMost = 4096;
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 256;
  return static_cast<int>(std::min(limit.rlim_cur / 2, kMost));
}

arrow::Result<std::shared_ptr<ReadableObject>> OpenLocalObject(std::string path, int max_held) {
  ARROW_ASSIGN_OR_RAISE(OpenedFile file, OpenRegularFile(path));
  return std::make_shared<LocalObject>(std::move(path), std::move(file), max_held);
}

}  // namespace pilum::io
