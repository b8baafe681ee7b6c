#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <filesystem>
#include <memory>
#include <utility>

#include "io/local_object.h"
#include "io/local_put.h"
#include "io/posix_file.h"
#include "io/store_path.h"
#include "pilum/error.h"
#include "pilum/storage.h"

namespace pilum {
namespace {

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

/// Calls visit(folder, entry) for every entry of a folder. A folder that does not exist has none.
template <typename Visit>
arrow::Status ForEachEntry(const std::string& path, Visit visit) {
  std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
  if (!folder) {
    if (errno == ENOENT || errno == ENOTDIR) return arrow::Status::OK();
    return io::ErrnoError(errno, "list", path);
  }
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") ARROW_RETURN_NOT_OK(visit(::dirfd(folder.get()), *entry));
  }
  return errno == 0 ? arrow::Status::OK() : io::ErrnoError(errno, "list", path);
}

/// What an entry is, symbolic links followed; false if it has vanished meanwhile.
arrow::Result<bool> Examine(const std::string& path, int folder, const dirent& entry,
                            struct stat* info) {
  if (::fstatat(folder, entry.d_name, info, 0) == 0) return true;
  if (errno == ENOENT || errno == ELOOP) return false;
  return io::ErrnoError(errno, "examine", path + "/" + entry.d_name);
}

/// Calls visit(name) for the entries of one kind, DT_REG or DT_DIR. What the folder itself tells of
/// an entry mostly suffices, which is much cheaper than to examine it.
template <typename Visit>
arrow::Status ForEachName(const std::string& path, unsigned char kind, Visit visit) {
  return ForEachEntry(path, [&](int folder, const dirent& entry) -> arrow::Status {
    bool wanted = entry.d_type == kind;
    if (entry.d_type == DT_UNKNOWN || entry.d_type == DT_LNK) {
      struct stat info;
      ARROW_ASSIGN_OR_RAISE(const bool exists, Examine(path, folder, entry, &info));
      wanted = exists && (kind == DT_DIR ? S_ISDIR(info.st_mode) : S_ISREG(info.st_mode));
    }
    if (wanted) visit(std::string_view(entry.d_name));
    return arrow::Status::OK();
  });
}

// Files are replaced by new ones, whose inodes differ even within a tick of the clock.
uint64_t StampOf(const struct stat& info) {
  const uint64_t time = static_cast<uint64_t>(info.st_mtim.tv_sec) * 1'000'000'000 +
                        static_cast<uint64_t>(info.st_mtim.tv_nsec);
  return time ^ (static_cast<uint64_t>(info.st_ino) << 32);
}

int64_t ModifiedOf(const struct stat& info) {
  return int64_t{info.st_mtim.tv_sec} * 1'000'000 + info.st_mtim.tv_nsec / 1000;
}

ObjectInfo InfoOf(std::string path, const struct stat& info) {
  return {std::move(path), static_cast<uint64_t>(info.st_size), StampOf(info), ModifiedOf(info)};
}

/// A file that is not complete is nobody's business, until its writer has been dead for long: then
/// it is listed, so that cleaning up finds it.
bool IsHidden(std::string_view name, const struct stat& info) {
  constexpr time_t kWeek = 7 * 24 * 3600;
  return io::IsTemporaryName(name) && ::time(nullptr) - info.st_mtim.tv_sec < kWeek;
}

class LocalStore final : public ObjectStore {
 public:
  LocalStore(std::string root, const LocalStoreOptions& options)
      : root_(std::move(root)), options_(options) {}

  const std::string& root() const override { return root_; }
  const ReadPolicy& policy() const override { return io::kLocalReadPolicy; }

  // Asking an open file for its size costs less than being wrong about it.
  arrow::Result<std::shared_ptr<ReadableObject>> Open(std::string_view path, uint64_t) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return io::OpenLocalObject(Absolute(path));
  }

  arrow::Result<std::vector<ObjectInfo>> List(std::string_view prefix) override {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, prefix));
    std::string_view folder = io::WithoutTrailingSlashes(prefix);
    const std::string absolute = Absolute(folder);
    std::vector<ObjectInfo> listed;
    ARROW_RETURN_NOT_OK(ForEachEntry(absolute, [&](int fd, const dirent& entry) -> arrow::Status {
      struct stat info;
      ARROW_ASSIGN_OR_RAISE(const bool exists, Examine(absolute, fd, entry, &info));
      if (exists && S_ISREG(info.st_mode) && !IsHidden(entry.d_name, info))
        listed.push_back(InfoOf(io::JoinPath(folder, entry.d_name), info));
      return arrow::Status::OK();
    }));
    return listed;
  }

  arrow::Status VisitNames(std::string_view prefix,
                           const std::function<void(std::string_view)>& visit) override {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, prefix));
    return ForEachName(Absolute(io::WithoutTrailingSlashes(prefix)), DT_REG,
                       [&](std::string_view name) {
                         if (!io::IsTemporaryName(name)) visit(name);
                       });
  }

  arrow::Result<ObjectInfo> Describe(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    const std::string absolute = Absolute(path);
    struct stat info;
    if (::stat(absolute.c_str(), &info) != 0) return io::ErrnoError(errno, "examine", absolute);
    if (!S_ISREG(info.st_mode)) return io::ErrnoError(ENOENT, "examine", absolute);
    return InfoOf(std::string(path), info);
  }

  arrow::Result<std::vector<std::string>> ListFolders(std::string_view prefix) override {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, prefix));
    std::vector<std::string> names;
    ARROW_RETURN_NOT_OK(ForEachName(Absolute(io::WithoutTrailingSlashes(prefix)), DT_DIR,
                                    [&](std::string_view name) { names.emplace_back(name); }));
    return names;
  }

  arrow::Status Put(std::string_view path, std::span<const std::byte> bytes,
                    bool create_only) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return io::PutLocalFile(TargetOf(path), bytes, create_only);
  }

  arrow::Result<std::unique_ptr<ObjectWriter>> Create(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return io::CreateLocalFile(TargetOf(path));
  }

  arrow::Status Delete(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    std::string absolute = Absolute(path);
    // A folder of that name, or a file where the path has a folder, is no object: nothing to
    // remove.
    if (::unlink(absolute.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR || errno == EISDIR) {
      return arrow::Status::OK();
    }
    return io::ErrnoError(errno, "remove", absolute);
  }

  arrow::Status DeleteFolder(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    const std::string absolute = Absolute(path);
    std::error_code error;
    std::filesystem::remove_all(absolute, error);
    if (error) return io::ErrnoError(error.value(), "remove the folder", absolute);
    return arrow::Status::OK();
  }

  arrow::Status RenameFolder(std::string_view from, std::string_view to) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, from));
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, to));
    return io::RenameLocalFolder(Absolute(from), TargetOf(to));
  }

 private:
  std::string Absolute(std::string_view path) const {
    return path.empty() ? root_ : (root_ == "/" ? "" : root_) + "/" + std::string(path);
  }

  io::LocalTarget TargetOf(std::string_view path) const {
    std::string absolute = Absolute(path);
    size_t slash = absolute.rfind('/');
    return {absolute.substr(0, slash), absolute.substr(slash + 1), options_.sync};
  }

  const std::string root_;  ///< absolute, without a slash at its end
  const LocalStoreOptions options_;
};

}  // namespace

arrow::Result<std::shared_ptr<ObjectStore>> OpenLocalStore(const std::string& directory,
                                                           const LocalStoreOptions& options) {
  if (directory.empty() || directory.find('\0') != std::string::npos) {
    return MakeError(
        ErrorKind::kInvalidArgument,
        "a local store needs the path of a directory, not an empty one or one with NUL "
        "bytes");
  }
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(directory, error);
  if (error) return io::ErrnoError(error.value(), "find the current directory for", directory);
  std::string root = absolute.lexically_normal().string();
  while (root.size() > 1 && root.ends_with('/')) root.pop_back();
  struct stat info;
  if (::stat(root.c_str(), &info) == 0 && !S_ISDIR(info.st_mode)) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "'" + root + "' is a file; a local store needs a directory", {.path = root});
  }
  return std::make_shared<LocalStore>(std::move(root), options);
}

}  // namespace pilum
