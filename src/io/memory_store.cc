#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "io/object_range.h"
#include "io/store_path.h"
#include "io/writer_step.h"
#include "pilum/error.h"
#include "pilum/storage.h"
#include "runtime/fork_mutex.h"

namespace pilum {
namespace {

using Contents = std::shared_ptr<const std::vector<std::byte>>;

// A read is a copy: there is nothing to gain from reading gaps, or from other threads for small
// reads.
constexpr ReadPolicy kPolicy{.max_gap = 256, .max_request = 8u << 20, .concurrency = 16};

class MemoryObject final : public ReadableObject {
 public:
  MemoryObject(std::string name, Contents contents)
      : name_(std::move(name)), contents_(std::move(contents)) {}

  const std::string& name() const override { return name_; }
  uint64_t size() const override { return contents_->size(); }
  const ReadPolicy& policy() const override { return kPolicy; }

  arrow::Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    ARROW_RETURN_NOT_OK(io::CheckRange(*this, offset, out.size()));
    if (!out.empty()) std::memcpy(out.data(), contents_->data() + offset, out.size());
    return arrow::Status::OK();
  }

  const std::byte* Resident(uint64_t offset, uint64_t) const override {
    return contents_->data() + offset;
  }

 private:
  const std::string name_;
  const Contents contents_;
};

struct StoredObject {
  Contents contents;
  uint64_t stamp = 0;
  int64_t modified_us = 0;
};

int64_t NowMicroseconds() {
  using std::chrono::duration_cast;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return duration_cast<std::chrono::microseconds>(now).count();
}

// One lock for the objects of all memory stores: it is held for a map operation only, never while
// bytes are copied or freed.
runtime::ForkMutex objects_mutex;
uint64_t puts = 0;  // guarded by it

class MemoryStore final : public ObjectStore, public std::enable_shared_from_this<MemoryStore> {
 public:
  const std::string& root() const override { return root_; }
  const ReadPolicy& policy() const override { return kPolicy; }

  arrow::Result<std::shared_ptr<ReadableObject>> Open(std::string_view path, uint64_t) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    std::string name = root_ + std::string(path);
    Contents contents;
    {
      std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
      auto found = objects_.find(path);
      if (found != objects_.end()) contents = found->second.contents;
    }
    if (!contents) return NoSuchObject(path);
    return std::make_shared<MemoryObject>(std::move(name), std::move(contents));
  }

  arrow::Result<std::vector<ObjectInfo>> List(std::string_view prefix) override {
    std::vector<ObjectInfo> listed;
    ARROW_RETURN_NOT_OK(ForEachBelow(prefix, [&](const std::string& path, size_t start,
                                                 size_t slash, const StoredObject& object) {
      if (slash == std::string::npos)
        listed.push_back({path, object.contents->size(), object.stamp, object.modified_us});
    }));
    return listed;
  }

  arrow::Status VisitNames(std::string_view prefix,
                           const std::function<void(std::string_view)>& visit) override {
    std::vector<std::string> names;  // to be visited without the lock
    ARROW_RETURN_NOT_OK(ForEachBelow(
        prefix, [&](const std::string& path, size_t start, size_t slash, const StoredObject&) {
          if (slash == std::string::npos) names.push_back(path.substr(start));
        }));
    for (const std::string& name : names) visit(name);
    return arrow::Status::OK();
  }

  arrow::Result<ObjectInfo> Describe(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
    auto found = objects_.find(path);
    if (found == objects_.end()) return NoSuchObject(path);
    const StoredObject& object = found->second;
    return ObjectInfo{std::string(path), object.contents->size(), object.stamp, object.modified_us};
  }

  arrow::Result<std::vector<std::string>> ListFolders(std::string_view prefix) override {
    std::vector<std::string> listed;
    ARROW_RETURN_NOT_OK(ForEachBelow(
        prefix, [&](const std::string& path, size_t start, size_t slash, const StoredObject&) {
          if (slash == std::string::npos) return;
          std::string_view folder = std::string_view(path).substr(start, slash - start);
          if (listed.empty() || listed.back() != folder) listed.emplace_back(folder);
        }));
    return listed;
  }

  arrow::Status Put(std::string_view path, std::span<const std::byte> bytes,
                    bool create_only) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return Insert(path, std::make_shared<const std::vector<std::byte>>(bytes.begin(), bytes.end()),
                  create_only);
  }

  arrow::Result<std::unique_ptr<ObjectWriter>> Create(std::string_view path) override;

  /// Whatever is replaced is freed with `contents`, after the lock.
  arrow::Status Insert(std::string_view path, Contents contents, bool create_only) {
    std::string key(path);
    std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
    auto [entry, is_new] = objects_.try_emplace(std::move(key));
    if (!is_new && create_only) {
      return MakeError(ErrorKind::kAlreadyExists, "the object exists already",
                       {.path = root_ + std::string(path)});
    }
    entry->second.contents.swap(contents);
    entry->second.stamp = ++puts;
    entry->second.modified_us = NowMicroseconds();
    return arrow::Status::OK();
  }

  arrow::Status Delete(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    Contents removed;
    std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
    auto found = objects_.find(path);
    if (found == objects_.end()) return arrow::Status::OK();
    removed = std::move(found->second.contents);
    objects_.erase(found);
    return arrow::Status::OK();
  }

  arrow::Status DeleteFolder(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    Objects removed;  // and freed after the lock
    std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
    removed = ExtractBelow(std::string(path) + "/");
    return arrow::Status::OK();
  }

  arrow::Status RenameFolder(std::string_view from, std::string_view to) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, from));
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, to));
    const std::string prefix = std::string(from) + "/", target = std::string(to) + "/";
    std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
    if (auto taken = objects_.lower_bound(target);
        taken != objects_.end() && taken->first.starts_with(target)) {
      return MakeError(ErrorKind::kAlreadyExists, "the folder exists already",
                       {.path = root_ + std::string(to)});
    }
    Objects moved = ExtractBelow(prefix);
    if (moved.empty()) {
      return MakeError(ErrorKind::kNotFound, "there is no such folder",
                       {.path = root_ + std::string(from)});
    }
    while (!moved.empty()) {
      auto object = moved.extract(moved.begin());
      object.key() = target + object.key().substr(prefix.size());
      objects_.insert(std::move(object));
    }
    return arrow::Status::OK();
  }

 private:
  arrow::Status NoSuchObject(std::string_view path) const {
    const std::string name = root_ + std::string(path);
    return MakeError(ErrorKind::kNotFound, "there is no object '" + name + "'", {.path = name});
  }

  using Objects = std::map<std::string, StoredObject, std::less<>>;

  /// Takes out the objects whose paths begin so. Needs the lock.
  Objects ExtractBelow(const std::string& prefix) {
    Objects taken;
    for (auto it = objects_.lower_bound(prefix);
         it != objects_.end() && it->first.starts_with(prefix);)
      taken.insert(taken.end(), objects_.extract(it++));
    return taken;
  }

  /// Calls visit(path, start, slash, object) for every object below the folder, in order of
  /// paths: `start` is where the name begins after the folder's, `slash` the first '/' from there
  /// on, or npos.
  template <typename Visit>
  arrow::Status ForEachBelow(std::string_view folder, Visit visit) {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, folder));
    folder = io::WithoutTrailingSlashes(folder);
    std::string prefix = folder.empty() ? "" : std::string(folder) + "/";
    std::lock_guard<runtime::ForkMutex> lock(objects_mutex);
    for (auto it = objects_.lower_bound(prefix);
         it != objects_.end() && it->first.starts_with(prefix); ++it) {
      visit(it->first, prefix.size(), it->first.find('/', prefix.size()), it->second);
    }
    return arrow::Status::OK();
  }

  const std::string root_ = "memory://";
  Objects objects_;  ///< guarded by objects_mutex
};

class MemoryWriter final : public ObjectWriter {
 public:
  MemoryWriter(std::shared_ptr<MemoryStore> store, std::string path)
      : store_(std::move(store)), path_(std::move(path)) {}

  uint64_t size() const override { return size_; }

  arrow::Status Append(std::span<const std::byte> bytes) override {
    return io::WriterStep(written_, path_, [&](std::vector<std::byte>& written) {
      size_ += bytes.size();
      written.insert(written.end(), bytes.begin(), bytes.end());
      return arrow::Status::OK();
    });
  }

  arrow::Status Finish() override {
    return io::WriterStep(written_, path_, [&](std::vector<std::byte>&) {
      return store_->Insert(path_, Contents(std::move(written_)), /*create_only=*/true);
    });
  }

 private:
  const std::shared_ptr<MemoryStore> store_;
  const std::string path_;
  std::unique_ptr<std::vector<std::byte>> written_ = std::make_unique<std::vector<std::byte>>();
  uint64_t size_ = 0;
};

arrow::Result<std::unique_ptr<ObjectWriter>> MemoryStore::Create(std::string_view path) {
  ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
  return std::make_unique<MemoryWriter>(shared_from_this(), std::string(path));
}

}  // namespace

std::shared_ptr<ObjectStore> MakeMemoryStore() { return std::make_shared<MemoryStore>(); }

}  // namespace pilum
