#include "table/lance_table.h"

#include <utility>

#include "dataset/manifest.h"
#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::table {

using arrow::Result;
using arrow::Status;

LanceTable::LanceTable(const std::shared_ptr<ObjectStore>& store, std::string name, std::string uri,
                       std::string branch)
    : main_store_(store),
      store_(branch.empty() ? store : SubStore(store, "tree/" + branch)),
      name_(std::move(name)),
      uri_(std::move(uri)),
      branch_(std::move(branch)),
      files_(std::make_shared<scan::FileCache>(
          static_cast<size_t>(GetRuntimeOptions().metadata_cache_bytes))) {}

Result<std::shared_ptr<Table>> LanceTable::Open(const std::shared_ptr<ObjectStore>& store,
                                                std::string name, std::string uri,
                                                std::string branch) {
  std::shared_ptr<LanceTable> table(
      new LanceTable(store, std::move(name), std::move(uri), std::move(branch)));
  ARROW_RETURN_NOT_OK(table->FindVersion(std::nullopt).status());
  return table;
}

Result<std::shared_ptr<const LanceSnapshot>> LanceTable::OpenManifest(
    std::optional<uint64_t> version) {
  ARROW_ASSIGN_OR_RAISE(auto found, FindVersion(version));
  {
    std::lock_guard<runtime::ForkMutex> lock(mutex_);
    if (last_ && last_version_ == found) return last_;
  }
  ARROW_ASSIGN_OR_RAISE(auto manifest, dataset::ReadListed(*store_, found));
  auto snapshot = MakeSnapshot(std::move(manifest));
  auto replaced = snapshot;  // what it was goes after the lock
  std::lock_guard<runtime::ForkMutex> lock(mutex_);
  last_.swap(replaced);
  last_version_ = std::move(found);
  return snapshot;
}

std::shared_ptr<const LanceSnapshot> LanceTable::MakeSnapshot(
    std::shared_ptr<const dataset::Manifest> manifest) {
  auto reader = std::make_shared<scan::DatasetReader>(
      store_, branch_.empty() ? nullptr : main_store_, std::move(manifest), files_);
  return std::make_shared<const LanceSnapshot>(std::move(reader));
}

Result<std::shared_ptr<const Snapshot>> LanceTable::Latest() { return OpenManifest(std::nullopt); }

Result<std::shared_ptr<const Snapshot>> LanceTable::OpenVersion(uint64_t version) {
  auto snapshot = OpenManifest(version);
  if (!snapshot.ok() && GetErrorKind(snapshot.status()) == ErrorKind::kNotFound) {
    return MakeError(ErrorKind::kNotFound,
                     "Version " + std::to_string(version) + " no longer exists of table '" + name_ +
                         "': " + snapshot.status().message(),
                     {.path = uri_, .version = version});
  }
  return snapshot;
}

Result<std::shared_ptr<const Snapshot>> LanceTable::OpenTag(const std::string& tag) {
  ARROW_ASSIGN_OR_RAISE(auto found, dataset::FindTag(*main_store_, tag));
  if (!found) {
    return MakeError(ErrorKind::kNotFound,
                     "Tag '" + tag + "' does not exist in table '" + name_ + "'", {.path = uri_});
  }
  if (found->branch == branch_) return OpenVersion(found->version);
  ARROW_ASSIGN_OR_RAISE(auto other, Open(main_store_, name_, uri_, found->branch));
  return other->OpenVersion(found->version);
}

Result<std::shared_ptr<Table>> LanceTable::OpenBranch(const std::string& branch) {
  if (branch.empty() || branch == "main") return Open(main_store_, name_, uri_);
  ARROW_ASSIGN_OR_RAISE(auto found, dataset::FindBranch(*main_store_, branch));
  if (!found) {
    return MakeError(ErrorKind::kNotFound,
                     "Branch '" + branch + "' does not exist in table '" + name_ + "'",
                     {.path = uri_});
  }
  return Open(main_store_, name_, uri_, branch);
}

Result<std::vector<VersionInfo>> LanceTable::Versions() {
  ARROW_ASSIGN_OR_RAISE(auto listed, dataset::ListVersions(*store_));
  std::vector<VersionInfo> versions;
  for (const auto& version : listed) {
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    ARROW_ASSIGN_OR_RAISE(auto manifest, dataset::ReadListed(*store_, version));
    versions.push_back({version.version, manifest->timestamp_us});
  }
  return versions;
}

Result<std::vector<TagInfo>> LanceTable::Tags() {
  ARROW_ASSIGN_OR_RAISE(auto listed, dataset::ListTags(*main_store_));
  std::vector<TagInfo> tags;
  for (auto& tag : listed) tags.push_back({tag.name, tag.branch, tag.version});
  return tags;
}

Result<dataset::VersionInfo> LanceTable::FindVersion(std::optional<uint64_t> version) {
  ARROW_ASSIGN_OR_RAISE(auto found, dataset::FindLatest(*store_));
  if (!found)
    return MakeError(ErrorKind::kNotFound, "Table '" + name_ + "' was not found", {.path = uri_});
  if (version && *version != found->version) {
    ARROW_ASSIGN_OR_RAISE(auto versions, dataset::ListVersions(*store_));
    ARROW_ASSIGN_OR_RAISE(*found, dataset::FindVersion(*store_, versions, version));
  }
  return dataset::DescribeVersion(*store_, *std::move(found));
}

Status LanceTable::CreateTag(const std::string& tag, uint64_t version) {
  ARROW_ASSIGN_OR_RAISE(auto found, FindVersion(version));
  return dataset::CreateTag(*main_store_, tag, branch_, found);
}

Status LanceTable::UpdateTag(const std::string& tag, uint64_t version) {
  ARROW_ASSIGN_OR_RAISE(auto found, FindVersion(version));
  return dataset::UpdateTag(*main_store_, tag, branch_, found);
}

Status LanceTable::DeleteTag(const std::string& tag) {
  return dataset::DeleteTag(*main_store_, tag);
}

Result<std::vector<std::string>> LanceTable::Branches() {
  ARROW_ASSIGN_OR_RAISE(auto listed, dataset::ListBranches(*main_store_));
  std::vector<std::string> branches;
  for (auto& branch : listed) branches.push_back(branch.name);
  return branches;
}

}  // namespace pilum::table
