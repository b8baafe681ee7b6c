#include <utility>

#include "io/store_path.h"
#include "pilum/storage.h"

namespace pilum {
namespace {

class SubStoreView final : public ObjectStore {
 public:
  SubStoreView(std::shared_ptr<ObjectStore> store, std::string prefix)
      : store_(std::move(store)),
        prefix_(std::move(prefix)),
        root_(store_->root() + (store_->root().ends_with('/') ? "" : "/") + prefix_) {}

  const std::string& root() const override { return root_; }
  const ReadPolicy& policy() const override { return store_->policy(); }

  arrow::Result<std::shared_ptr<ReadableObject>> Open(std::string_view path,
                                                      uint64_t known_size) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return store_->Open(Inner(path), known_size);
  }

  arrow::Result<std::vector<ObjectInfo>> List(std::string_view prefix) override {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, prefix));
    ARROW_ASSIGN_OR_RAISE(auto objects, store_->List(Inner(prefix)));
    for (ObjectInfo& object : objects) object.path.erase(0, prefix_.size() + 1);
    return objects;
  }

  arrow::Status VisitNames(std::string_view prefix,
                           const std::function<void(std::string_view)>& visit) override {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, prefix));
    return store_->VisitNames(Inner(prefix), visit);
  }

  arrow::Result<ObjectInfo> Describe(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    ARROW_ASSIGN_OR_RAISE(ObjectInfo object, store_->Describe(Inner(path)));
    object.path.erase(0, prefix_.size() + 1);
    return object;
  }

  arrow::Result<std::vector<std::string>> ListFolders(std::string_view prefix) override {
    ARROW_RETURN_NOT_OK(io::CheckFolderPath(root_, prefix));
    return store_->ListFolders(Inner(prefix));
  }

  arrow::Status Put(std::string_view path, std::span<const std::byte> bytes,
                    bool create_only) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return store_->Put(Inner(path), bytes, create_only);
  }

  arrow::Result<std::unique_ptr<ObjectWriter>> Create(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return store_->Create(Inner(path));
  }

  arrow::Status Delete(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return store_->Delete(Inner(path));
  }

  arrow::Status DeleteFolder(std::string_view path) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, path));
    return store_->DeleteFolder(Inner(path));
  }

  arrow::Status RenameFolder(std::string_view from, std::string_view to) override {
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, from));
    ARROW_RETURN_NOT_OK(io::CheckObjectPath(root_, to));
    return store_->RenameFolder(Inner(from), Inner(to));
  }

 private:
  std::string Inner(std::string_view path) const { return io::JoinPath(prefix_, path); }

  const std::shared_ptr<ObjectStore> store_;
  const std::string prefix_;
  const std::string root_;
};

}  // namespace

std::shared_ptr<ObjectStore> SubStore(std::shared_ptr<ObjectStore> store, std::string prefix) {
  prefix.resize(io::WithoutTrailingSlashes(prefix).size());
  if (prefix.empty()) return store;
  return std::make_shared<SubStoreView>(std::move(store), std::move(prefix));
}

}  // namespace pilum
