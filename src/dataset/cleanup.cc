#include "dataset/cleanup.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "dataset/deletion_file.h"
#include "dataset/manifest.h"
#include "dataset/manifest_file.h"
#include "dataset/read_object.h"
#include "io/local_put.h"
#include "io/store_path.h"
#include "lance/parse_message.h"
#include "pilum/runtime.h"

namespace pilum::dataset {
namespace {

constexpr std::string_view kDataSuffix = ".lance";

/// Paths of files, and of folders of which all files count.
using Paths = std::unordered_set<std::string>;

int64_t MicrosecondsAgo(std::chrono::seconds age) {
  using std::chrono::duration_cast;
  const auto then = std::chrono::system_clock::now() - age;
  return duration_cast<std::chrono::microseconds>(then.time_since_epoch()).count();
}

/// The versions that stay, however old.
arrow::Result<std::set<uint64_t>> NamedVersions(ObjectStore& table, const std::string& branch) {
  std::set<uint64_t> named;
  ARROW_ASSIGN_OR_RAISE(std::vector<Tag> tags, ListTags(table));
  for (const Tag& tag : tags) {
    if (tag.branch == branch) named.insert(tag.version);
  }
  ARROW_ASSIGN_OR_RAISE(std::vector<Branch> branches, ListBranches(table));
  for (const Branch& child : branches) {
    if (child.parent == branch) named.insert(child.parent_version);
    // A branch begins with a manifest of the same number.
    if (child.name == branch) named.insert(child.parent_version);
  }
  return named;
}

std::string UuidText(std::string_view bytes) {
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

/// Adds the files of a version that lie in its own store. Files below other bases are not ours.
arrow::Status AddReferences(const Manifest& manifest, const ManifestFile& file, Paths* paths) {
  for (const Fragment& fragment : manifest.fragments) {
    for (const DataFile& data : fragment.files) {
      if (data.base_id) continue;
      const std::string path = "data/" + data.path;
      paths->insert(path);
      if (path.ends_with(kDataSuffix)) {  // the folder of its blobs
        paths->insert(path.substr(0, path.size() - kDataSuffix.size()));
      }
    }
    const auto& deletion_file = fragment.deletion_file;
    if (deletion_file && !deletion_file->base_id) {
      paths->insert(DeletionFilePath(fragment.id, *deletion_file));
    }
  }
  const std::string& transaction = file.message.transaction_file();
  if (!transaction.empty()) paths->insert("_transactions/" + transaction);
  if (!file.index_section) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto section, lance::ParseMessage<lance::table::IndexSection>(
                                          *file.index_section, "index section"));
  for (const auto& index : section.indices()) {
    if (!index.has_base_id()) paths->insert("_indices/" + UuidText(index.uuid().uuid()));
  }
  return arrow::Status::OK();
}

bool Contains(const Paths& paths, const std::string& file) {
  return paths.contains(file) || paths.contains(file.substr(0, file.rfind('/')));
}

/// Whether a file is of a kind that writers of tables make. Others are none of our business.
/// Manifests are not among them, whole versions are removed, and neither are tags and branches.
bool IsTableFile(std::string_view path) {
  if (io::IsTemporaryName(path.substr(path.rfind('/') + 1))) return true;
  if (path.starts_with("data/")) return path.ends_with(kDataSuffix) || path.ends_with(".blob");
  if (path.starts_with("_deletions/")) return path.ends_with(".arrow") || path.ends_with(".bin");
  if (path.starts_with("_transactions/")) return path.ends_with(".txn");
  return path.starts_with("_indices/");
}

arrow::Result<std::vector<ObjectInfo>> ListTableFiles(ObjectStore& store) {
  std::vector<std::string> folders = {"data",      "_deletions", "_transactions",
                                      "_versions", "_refs/tags", "_refs/branches"};
  for (const std::string parent : {"data", "_indices"}) {
    ARROW_ASSIGN_OR_RAISE(std::vector<std::string> inner, store.ListFolders(parent));
    for (const std::string& folder : inner) folders.push_back(io::JoinPath(parent, folder));
  }
  std::vector<ObjectInfo> files;
  for (const std::string& folder : folders) {
    ARROW_ASSIGN_OR_RAISE(std::vector<ObjectInfo> listed, store.List(folder));
    std::copy_if(listed.begin(), listed.end(), std::back_inserter(files),
                 [](const ObjectInfo& file) { return IsTableFile(file.path); });
  }
  return files;
}

/// The versions of a table, and what they refer to.
struct Plan {
  std::vector<VersionInfo> removed;  ///< ascending
  Paths needed;                      ///< by a version that stays
  Paths freed;                       ///< by a removed one
};

arrow::Result<Plan> MakePlan(ObjectStore& table, ObjectStore& store, const std::string& branch,
                             const CleanupOptions& options) {
  const int64_t limit = MicrosecondsAgo(options.older_than);
  // Named before listed: a version that is tagged now is not removed.
  ARROW_ASSIGN_OR_RAISE(std::set<uint64_t> named, NamedVersions(table, branch));
  ARROW_ASSIGN_OR_RAISE(std::vector<ListedVersion> versions, ListVersions(store));
  Plan plan;
  for (const ListedVersion& version : versions) {
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    ARROW_ASSIGN_OR_RAISE(WholeObject object, ReadObject(store, version.path));
    ARROW_ASSIGN_OR_RAISE(Manifest manifest, ParseManifest(object.bytes(), object.name));
    ARROW_ASSIGN_OR_RAISE(ManifestFile file, ParseManifestFile(object.bytes()));
    const bool stays = version == versions.back() || named.contains(version.version) ||
                       manifest.timestamp_us > limit;
    if (!stays) plan.removed.push_back({{version}, object.bytes().size(), 0});
    ARROW_RETURN_NOT_OK(AddReferences(manifest, file, stays ? &plan.needed : &plan.freed));
  }
  return plan;
}

}  // namespace

arrow::Result<CleanupStats> Cleanup(ObjectStore& table, ObjectStore& store,
                                    const std::string& branch, const CleanupOptions& options) {
  // Files are listed first: what is committed after that is not among them.
  ARROW_ASSIGN_OR_RAISE(std::vector<ObjectInfo> files, ListTableFiles(store));
  ARROW_ASSIGN_OR_RAISE(Plan plan, MakePlan(table, store, branch, options));
  CleanupStats stats;
  for (const VersionInfo& version : plan.removed) {
    ARROW_RETURN_NOT_OK(store.Delete(version.path));
    ++stats.versions;
    stats.bytes += version.size;
  }
  const int64_t limit = MicrosecondsAgo(options.unreferenced_older_than);
  for (const ObjectInfo& file : files) {
    if (Contains(plan.needed, file.path)) continue;
    if (!Contains(plan.freed, file.path) && file.modified_us > limit) continue;
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    ARROW_RETURN_NOT_OK(store.Delete(file.path));
    ++stats.files;
    stats.bytes += file.size;
  }
  return stats;
}

}  // namespace pilum::dataset
