// The manifest: one version of a table, as read from its _versions file.
//
//   Manifest ─► Fragment ─► DataFile (columns of all rows of the fragment), DeletionFile, row ids
//
// Values only; immutable after reading. What names a file here has been checked to stay inside the
// table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "dataset/schema.h"
#include "pilum/storage.h"

namespace lance::table {
class Manifest;
}

namespace pilum::dataset {

inline constexpr int32_t kTombstoneFieldId = -2;

/// Storage version of the data files of a table.
enum class FileVersion { kV2_0, kV2_1, kV2_2 };

struct DataFile {
  std::string path;                     ///< below the data folder of its base
  std::vector<int32_t> fields;          ///< field ids; kTombstoneFieldId = superseded
  std::vector<int32_t> column_indices;  ///< parallel to `fields`; -1 = no column
  FileVersion version = FileVersion::kV2_2;
  uint64_t size = 0;                ///< bytes; 0 = unknown
  std::optional<uint32_t> base_id;  ///< another root that holds the file
};

struct DeletionFile {
  enum class Type { kArrowArray, kBitmap };
  Type type = Type::kArrowArray;
  uint64_t read_version = 0;
  uint64_t id = 0;
  uint64_t num_deleted_rows = 0;  ///< at least 1
  std::optional<uint32_t> base_id;
};

struct Fragment {
  uint64_t id = 0;
  uint64_t physical_rows = 0;  ///< rows in its files, deleted ones included
  std::vector<DataFile> files;
  std::optional<DeletionFile> deletion_file;
  std::string inline_row_ids;  ///< serialised RowIdSequence; empty = none
  /// Serialised RowDatasetVersionSequences of a table with stable row ids: the versions that
  /// created its rows, and that changed them last; empty = none.
  std::string created_at_versions;
  std::string last_updated_at_versions;

  uint64_t live_rows() const {
    return physical_rows - (deletion_file ? deletion_file->num_deleted_rows : 0);
  }
};

/// The fragments of a version. Immutable ones, which versions share: a commit changes few of them.
class FragmentList {
 public:
  class Iterator {
   public:
    using iterator_category = std::random_access_iterator_tag;
    using value_type = Fragment;
    using difference_type = std::ptrdiff_t;
    using pointer = const Fragment*;
    using reference = const Fragment&;

    Iterator() = default;
    reference operator*() const { return **at_; }
    pointer operator->() const { return at_->get(); }
    reference operator[](difference_type n) const { return **(at_ + n); }
    Iterator& operator+=(difference_type n) { return at_ += n, *this; }
    Iterator& operator-=(difference_type n) { return at_ -= n, *this; }
    Iterator& operator++() { return *this += 1; }
    Iterator operator++(int) { return std::exchange(*this, *this + 1); }
    Iterator& operator--() { return *this -= 1; }
    Iterator operator--(int) { return std::exchange(*this, *this - 1); }
    Iterator operator+(difference_type n) const { return Iterator(at_ + n); }
    Iterator operator-(difference_type n) const { return Iterator(at_ - n); }
    difference_type operator-(const Iterator& other) const { return at_ - other.at_; }
    auto operator<=>(const Iterator&) const = default;

   private:
    friend class FragmentList;
    using At = std::vector<std::shared_ptr<const Fragment>>::const_iterator;
    explicit Iterator(At at) : at_(at) {}
    At at_;
  };

  size_t size() const { return fragments_.size(); }
  bool empty() const { return fragments_.empty(); }
  const Fragment& operator[](size_t i) const { return *fragments_[i]; }
  const Fragment& front() const { return *fragments_.front(); }
  const Fragment& back() const { return *fragments_.back(); }
  Iterator begin() const { return Iterator(fragments_.begin()); }
  Iterator end() const { return Iterator(fragments_.end()); }

  const std::shared_ptr<const Fragment>& shared(size_t i) const { return fragments_[i]; }
  void reserve(size_t n) { fragments_.reserve(n); }
  void push_back(std::shared_ptr<const Fragment> fragment) {
    fragments_.push_back(std::move(fragment));
  }

 private:
  std::vector<std::shared_ptr<const Fragment>> fragments_;
};

struct BasePath {
  uint32_t id = 0;
  std::string name;
  bool is_dataset_root = false;
  std::string path;
};

struct Manifest {
  uint64_t version = 0;
  int64_t timestamp_us = 0;  ///< microseconds since 1970, UTC
  Schema schema;
  FragmentList fragments;  ///< in scan order, which is not the order of ids
  FileVersion file_version = FileVersion::kV2_2;
  bool stable_row_ids = false;
  uint64_t next_row_id = 0;
  std::optional<uint32_t> max_fragment_id;  ///< the highest ever used; none before the first
  std::map<std::string, std::string> config;
  std::map<std::string, std::string> table_metadata;
  std::vector<BasePath> base_paths;
  std::string branch;  ///< empty = main
  std::string writer;  ///< "lance 14.0.2"
  std::string path;    ///< the manifest file, for messages

  uint64_t live_rows() const;
};

/// Parses the bytes of a manifest file. Refuses reader feature flags and storage versions that are
/// not implemented (kUnsupported, naming them and what to do); every count, id and path is checked.
arrow::Result<Manifest> ParseManifest(std::span<const std::byte> bytes, const std::string& path);
/// The same of its message. What it has in common with the version before is shared.
arrow::Result<Manifest> ReadManifestMessage(const lance::table::Manifest& message,
                                            const std::string& path,
                                            const Manifest* before = nullptr);

/// One version of a table, as listed.
struct ListedVersion {
  uint64_t version = 0;
  std::string path;  ///< of its manifest, relative to the table's store

  bool operator==(const ListedVersion&) const = default;
};

struct VersionInfo : ListedVersion {
  uint64_t size = 0;   ///< of its manifest, bytes
  uint64_t stamp = 0;  ///< of its manifest: another one when it was written again

  bool operator==(const VersionInfo&) const = default;
};

/// All versions in ascending order. Understands V1 and V2 manifest names; ignores detached
/// manifests and files that are none. Empty when there is no `_versions` folder. A mix of both
/// schemes is kCorruptData.
arrow::Result<std::vector<ListedVersion>> ListVersions(ObjectStore& store);

/// The latest of them, which costs less; nothing if there is none.
arrow::Result<std::optional<ListedVersion>> FindLatest(ObjectStore& store);

/// The one of `versions` that is asked for, or the latest. kNotFound when there is no such version.
arrow::Result<ListedVersion> FindVersion(const ObjectStore& store,
                                         const std::vector<ListedVersion>& versions,
                                         std::optional<uint64_t> version);
/// Asks the store about its manifest.
arrow::Result<VersionInfo> DescribeVersion(ObjectStore& store, ListedVersion version);

/// Where the manifest of a version is, or goes: named in the way of `like`, a manifest of the same
/// table; with a V2 name if it is empty.
std::string ManifestPath(uint64_t version, std::string_view like);

/// Reads the manifest of a version that was listed.
arrow::Result<std::shared_ptr<const Manifest>> ReadListed(ObjectStore& store,
                                                          const ListedVersion& version);
/// Lists, finds and reads.
arrow::Result<std::shared_ptr<const Manifest>> ReadManifest(ObjectStore& store,
                                                            std::optional<uint64_t> version);

/// A tag of a table.
struct Tag {
  std::string name;
  std::string branch;  ///< empty = main
  uint64_t version = 0;
  uint64_t manifest_size = 0;
};

/// The tag of this name, or nothing. Other tags are not looked at.
arrow::Result<std::optional<Tag>> FindTag(ObjectStore& store, const std::string& name);
/// All tags, sorted by name.
arrow::Result<std::vector<Tag>> ListTags(ObjectStore& store);

/// Gives a version a name that cleanup respects. `store` is the table's, also for a version of a
/// branch; empty = main. Names are letters, digits, '.', '-' and '_', neither begin nor end with
/// '.', nor end with ".lock", and have no "..": others are kInvalidArgument. kAlreadyExists if
/// there is such a tag.
arrow::Status CreateTag(ObjectStore& store, const std::string& name, const std::string& branch,
                        const VersionInfo& version);
/// Moves a tag; kNotFound if there is none. What else its file says stays.
arrow::Status UpdateTag(ObjectStore& store, const std::string& name, const std::string& branch,
                        const VersionInfo& version);
/// kNotFound if there is none.
arrow::Status DeleteTag(ObjectStore& store, const std::string& name);

/// A branch of a table: its own versions below `tree/<name>`.
struct Branch {
  std::string name;
  std::string parent;  ///< empty = main
  uint64_t parent_version = 0;
};

/// The branch of this name, or nothing. Other branches are not looked at.
arrow::Result<std::optional<Branch>> FindBranch(ObjectStore& store, const std::string& name);
/// All branches, sorted by name.
arrow::Result<std::vector<Branch>> ListBranches(ObjectStore& store);

}  // namespace pilum::dataset
