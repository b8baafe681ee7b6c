#include "pilum/database.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "io/posix_file.h"
#include "pilum/error.h"
#include "table/lance_table.h"

namespace pilum {
namespace {

using arrow::Result;
using arrow::Status;

constexpr std::string_view kExtension = ".lance";

Status CheckTableName(const std::string& name) {
  const bool valid = !name.empty() && name.size() <= 200 && name != "." && name != ".." &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::isalnum(c) || c == '_' || c == '-' || c == '.';
                     });
  if (valid) return Status::OK();
  return MakeError(ErrorKind::kInvalidArgument,
                   "Invalid table name '" + name.substr(0, 100) +
                       "': names are made of at most 200 letters, digits, '_', '-' and '.'");
}

/// A path behind a URI: "~" and relative paths resolved.
Result<std::string> LocalPath(const std::string& uri) {
  std::string path = uri;
  constexpr std::string_view kFile = "file://";
  if (path.starts_with(kFile)) path = path.substr(kFile.size());
  if (path.empty()) return MakeError(ErrorKind::kInvalidArgument, "the path is empty");
  if (path.find('\0') != std::string::npos)
    return MakeError(ErrorKind::kInvalidArgument, "the path contains a NUL byte");
  if (path == "~" || path.starts_with("~/")) {
    const char* home = std::getenv("HOME");
    if (!home) return MakeError(ErrorKind::kInvalidArgument, "'~' in a path, but HOME is not set");
    path = home + path.substr(1);
  }
  std::error_code error;
  std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error)
    return MakeError(ErrorKind::kInvalidArgument, "path '" + path + "': " + error.message());
  std::string text = absolute.lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

/// Refuses URIs of schemes that this version does not open.
Status CheckScheme(const std::string& uri) {
  const size_t colon = uri.find("://");
  if (colon == std::string::npos || uri.starts_with("file://") || uri.starts_with("memory://"))
    return Status::OK();
  const std::string scheme = uri.substr(0, colon);
  if (scheme == "s3" || scheme == "db") {
    return MakeError(ErrorKind::kUnsupported,
                     scheme + ":// is not supported by this version of pilum");
  }
  return MakeError(ErrorKind::kInvalidArgument, "unknown scheme '" + scheme + "' in '" + uri +
                                                    "': valid are a path, file:// and memory://");
}

/// Of a local store.
Result<LocalStoreOptions> LocalOptions(const StorageOptions& options) {
  LocalStoreOptions local;
  const auto sync = options.find("sync");
  if (sync == options.end()) return local;
  if (sync->second != "true" && sync->second != "false")
    return MakeError(ErrorKind::kInvalidArgument, "the storage option 'sync' is 'true' or 'false'" +
                                                      (", not '" + sync->second + "'"));
  local.sync = sync->second == "true";
  return local;
}

class StoreDatabase final : public Database {
 public:
  StoreDatabase(std::shared_ptr<ObjectStore> store, std::string uri)
      : store_(std::move(store)), uri_(std::move(uri)) {}

  const std::string& uri() const override { return uri_; }

  Result<std::vector<std::string>> TableNames() override {
    ARROW_ASSIGN_OR_RAISE(auto folders, store_->ListFolders(""));
    std::vector<std::string> names;
    for (const std::string& folder : folders) {
      if (!folder.ends_with(kExtension)) continue;
      std::string name = folder.substr(0, folder.size() - kExtension.size());
      if (!CheckTableName(name).ok()) continue;
      // A folder may be left of a table that was dropped, or of one that was not finished.
      ARROW_ASSIGN_OR_RAISE(auto parts, store_->ListFolders(folder));
      if (std::find(parts.begin(), parts.end(), "_versions") == parts.end()) continue;
      ARROW_ASSIGN_OR_RAISE(auto manifests, store_->List(folder + "/_versions"));
      if (!manifests.empty()) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<std::shared_ptr<Table>> OpenTable(const std::string& name) override {
    ARROW_RETURN_NOT_OK(CheckTableName(name));
    return table::LanceTable::Open(FolderOf(name), name, UriOf(name));
  }

  Result<std::shared_ptr<Table>> CreateTable(const std::string& name,
                                             arrow::RecordBatchReader* rows,
                                             const WriteOptions& options) override {
    ARROW_RETURN_NOT_OK(CheckTableName(name));
    return table::LanceTable::Create(FolderOf(name), name, UriOf(name), rows, options);
  }

  Status DropTable(const std::string& name) override {
    ARROW_RETURN_NOT_OK(OpenTable(name).status());
    // Without manifests there is no table, whatever is left of it.
    const std::string folder = name + std::string(kExtension);
    ARROW_RETURN_NOT_OK(store_->DeleteFolder(folder + "/_versions"));
    return store_->DeleteFolder(folder);
  }

  Status RenameTable(const std::string& name, const std::string& new_name) override {
    ARROW_RETURN_NOT_OK(CheckTableName(new_name));
    ARROW_RETURN_NOT_OK(OpenTable(name).status());
    Status renamed =
        store_->RenameFolder(name + std::string(kExtension), new_name + std::string(kExtension));
    if (GetErrorKind(renamed) != ErrorKind::kAlreadyExists) return renamed;
    return MakeError(ErrorKind::kAlreadyExists, "Table '" + new_name + "' already exists",
                     {.path = UriOf(new_name)});
  }

 private:
  std::shared_ptr<ObjectStore> FolderOf(const std::string& name) const {
    return SubStore(store_, name + std::string(kExtension));
  }
  std::string UriOf(const std::string& name) const {
    return uri_ + (uri_.ends_with('/') ? "" : "/") + name + std::string(kExtension);
  }

  std::shared_ptr<ObjectStore> store_;
  std::string uri_;
};

/// A table by itself, in a folder of its own.
struct TablePlace {
  std::shared_ptr<ObjectStore> store;
  std::string name;
  std::string path;
};

Result<TablePlace> PlaceOf(const std::string& uri, const StorageOptions& options) {
  ARROW_RETURN_NOT_OK(CheckScheme(uri));
  if (uri.starts_with("memory://")) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "a table in memory has no address of its own; open it through its database");
  }
  TablePlace place;
  ARROW_ASSIGN_OR_RAISE(place.path, LocalPath(uri));
  place.name = std::filesystem::path(place.path).filename().string();
  if (place.name.ends_with(kExtension)) place.name.resize(place.name.size() - kExtension.size());
  ARROW_ASSIGN_OR_RAISE(auto local, LocalOptions(options));
  ARROW_ASSIGN_OR_RAISE(place.store, OpenLocalStore(place.path, local));
  return place;
}

}  // namespace

Result<std::shared_ptr<Database>> Connect(const std::string& uri, const StorageOptions& options) {
  ARROW_RETURN_NOT_OK(CheckScheme(uri));
  if (uri.starts_with("memory://")) return OpenDatabase(MakeMemoryStore(), uri);
  ARROW_ASSIGN_OR_RAISE(std::string path, LocalPath(uri));
  ARROW_ASSIGN_OR_RAISE(auto local, LocalOptions(options));
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return io::ErrnoError(error.value(), "create the folder", path);
  ARROW_ASSIGN_OR_RAISE(auto store, OpenLocalStore(path, local));
  return OpenDatabase(std::move(store), path);
}

std::shared_ptr<Database> OpenDatabase(std::shared_ptr<ObjectStore> store, std::string uri) {
  return std::make_shared<StoreDatabase>(std::move(store), std::move(uri));
}

Result<std::shared_ptr<Table>> OpenTableAt(const std::string& uri, const StorageOptions& options) {
  ARROW_ASSIGN_OR_RAISE(TablePlace place, PlaceOf(uri, options));
  return OpenTableIn(std::move(place.store), std::move(place.name), std::move(place.path));
}

Result<std::shared_ptr<Table>> CreateTableAt(const std::string& uri, arrow::RecordBatchReader* rows,
                                             const WriteOptions& options,
                                             const StorageOptions& storage) {
  ARROW_ASSIGN_OR_RAISE(TablePlace place, PlaceOf(uri, storage));
  return table::LanceTable::Create(std::move(place.store), std::move(place.name),
                                   std::move(place.path), rows, options);
}

Result<std::shared_ptr<Table>> OpenTableIn(std::shared_ptr<ObjectStore> store, std::string name,
                                           std::string uri) {
  return table::LanceTable::Open(std::move(store), std::move(name), std::move(uri));
}

}  // namespace pilum
