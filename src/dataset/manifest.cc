#include "dataset/manifest.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <unordered_set>
#include <utility>

#include "bytes/byte_reader.h"
#include "dataset/compatibility.h"
#include "dataset/manifest_file.h"
#include "io/store_path.h"
#include "lance/parse_message.h"
#include "lance/table.pb.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using bytes::Corrupt;

// Row addresses keep the fragment and the offset in 32 bits each.
constexpr uint64_t kMaxFragmentId = std::numeric_limits<uint32_t>::max();
constexpr uint64_t kMaxRows = uint64_t{1} << 32;

// 0001-01-01 and 9999-12-31, the range of a timestamp message.
constexpr int64_t kMinSeconds = -62'135'596'800;
constexpr int64_t kMaxSeconds = 253'402'300'799;

using BaseIds = std::unordered_set<uint32_t>;

arrow::Result<int64_t> Microseconds(const lance::wire::Timestamp& timestamp) {
  if (timestamp.seconds() < kMinSeconds || timestamp.seconds() > kMaxSeconds ||
      timestamp.nanos() < 0 || timestamp.nanos() > 999'999'999) {
    return Corrupt(
        "the timestamp of the version is out of range: " + std::to_string(timestamp.seconds()) +
        " s and " + std::to_string(timestamp.nanos()) + " ns");
  }
  return timestamp.seconds() * 1'000'000 + timestamp.nanos() / 1000;
}

arrow::Result<std::vector<BasePath>> ReadBasePaths(const lance::table::Manifest& message,
                                                   BaseIds* ids) {
  std::vector<BasePath> bases;
  for (const lance::table::BasePath& base : message.base_paths()) {
    if (!ids->insert(base.id()).second) {
      return Corrupt("two base paths have the id " + std::to_string(base.id()));
    }
    if (base.path().empty()) {
      return Corrupt("the base path " + std::to_string(base.id()) + " is empty");
    }
    bases.push_back({base.id(), base.name(), base.is_dataset_root(), base.path()});
  }
  return bases;
}

/// Both data and deletion files may lie below another base.
template <typename File>
arrow::Result<std::optional<uint32_t>> ReadBaseId(const File& file, const BaseIds& bases) {
  if (!file.has_base_id()) return std::nullopt;
  if (!bases.contains(file.base_id())) {
    return Corrupt("a file lies below base path " + std::to_string(file.base_id()) +
                   ", which the manifest does not list");
  }
  return file.base_id();
}

arrow::Result<DataFile> ReadDataFile(const lance::table::DataFile& message, const BaseIds& bases) {
  DataFile file;
  if (!io::IsInnerPath(message.path())) {
    return Corrupt("the data file path '" + message.path() +
                   "' is not a plain relative path; a table must not point outside its folder");
  }
  ARROW_ASSIGN_OR_RAISE(
      file.version, MakeFileVersion(message.file_major_version(), message.file_minor_version()));
  file.path = message.path();
  file.fields.assign(message.fields().begin(), message.fields().end());
  file.column_indices.assign(message.column_indices().begin(), message.column_indices().end());
  if (file.fields.size() != file.column_indices.size()) {
    return Corrupt("data file '" + file.path + "' lists " + std::to_string(file.fields.size()) +
                   " fields but " + std::to_string(file.column_indices.size()) + " columns");
  }
  if (std::any_of(file.column_indices.begin(), file.column_indices.end(),
                  [](int32_t column) { return column < -1; })) {
    return Corrupt("data file '" + file.path + "' lists a negative column");
  }
  file.size = message.file_size_bytes();
  ARROW_ASSIGN_OR_RAISE(file.base_id, ReadBaseId(message, bases));
  return file;
}

/// Whether each number is larger than the one before, as they mostly are.
bool Ascend(const std::vector<int32_t>& numbers) {
  return std::adjacent_find(numbers.begin(), numbers.end(), std::greater_equal<>()) ==
         numbers.end();
}

/// A number, not negative, that is in the list more than once.
std::optional<int32_t> Repeated(std::vector<int32_t> numbers) {
  std::erase_if(numbers, [](int32_t number) { return number < 0; });
  std::sort(numbers.begin(), numbers.end());
  auto twice = std::adjacent_find(numbers.begin(), numbers.end());
  return twice == numbers.end() ? std::nullopt : std::optional(*twice);
}

/// A field that two files of a fragment hold would have two values.
arrow::Status CheckFieldsOnce(const std::vector<DataFile>& files) {
  if (files.size() == 1 && Ascend(files[0].fields) && Ascend(files[0].column_indices))
    return arrow::Status::OK();
  std::vector<int32_t> ids;  // that have a column
  for (const DataFile& file : files) {
    if (auto column = Repeated(file.column_indices)) {
      return Corrupt("column " + std::to_string(*column) + " of data file '" + file.path +
                     "' holds more than one field");
    }
    for (size_t i = 0; i < file.fields.size(); ++i) {
      if (file.column_indices[i] >= 0) ids.push_back(file.fields[i]);
    }
  }
  if (auto id = Repeated(std::move(ids))) {
    return Corrupt("field " + std::to_string(*id) + " has more than one column");
  }
  return arrow::Status::OK();
}

arrow::Result<DeletionFile> ReadDeletionFile(const lance::table::DeletionFile& message,
                                             uint64_t physical_rows, const BaseIds& bases) {
  DeletionFile file;
  switch (message.file_type()) {
    case lance::table::DeletionFile::ARROW_ARRAY:
      file.type = DeletionFile::Type::kArrowArray;
      break;
    case lance::table::DeletionFile::BITMAP:
      file.type = DeletionFile::Type::kBitmap;
      break;
    default:
      return MakeError(ErrorKind::kUnsupported, "deletion files of type " +
                                                    std::to_string(message.file_type()) +
                                                    " are not known; use a newer version of pilum");
  }
  file.read_version = message.read_version();
  file.id = message.id();
  file.num_deleted_rows = message.num_deleted_rows();
  if (file.num_deleted_rows == 0) {
    return MakeError(ErrorKind::kUnsupported,
                     "the manifest does not say how many rows are deleted, as early writers did; "
                     "compact the table with the reference library");
  }
  if (file.num_deleted_rows > physical_rows) {
    return Corrupt(std::to_string(file.num_deleted_rows) + " rows are deleted of " +
                   std::to_string(physical_rows));
  }
  ARROW_ASSIGN_OR_RAISE(file.base_id, ReadBaseId(message, bases));
  return file;
}

arrow::Status CheckFragment(const lance::table::DataFragment& message, bool stable_row_ids) {
  if (message.id() > kMaxFragmentId) return Corrupt("fragment ids have 32 bits");
  if (message.physical_rows() > kMaxRows) {
    return Corrupt("it says to have " + std::to_string(message.physical_rows()) +
                   " rows; offsets of rows have 32 bits");
  }
  if (message.physical_rows() == 0 && message.files_size() > 0) {
    return MakeError(ErrorKind::kUnsupported,
                     "the manifest does not say how many rows it has, as early writers did; "
                     "compact the table with the reference library");
  }
  if (message.overlays_size() > 0) {
    return MakeError(ErrorKind::kUnsupported,
                     "it has data overlay files, which are not supported; compact the table with "
                     "the reference library");
  }
  if (message.has_external_row_ids()) {
    return MakeError(ErrorKind::kUnsupported,
                     "its row ids are in a file of their own, which is not supported; rewrite the "
                     "table with the reference library");
  }
  if (stable_row_ids && message.inline_row_ids().empty() && message.physical_rows() > 0) {
    return Corrupt("the table has stable row ids, but this fragment has none");
  }
  return arrow::Status::OK();
}

arrow::Result<Fragment> ReadFragment(const lance::table::DataFragment& message, bool stable_row_ids,
                                     const BaseIds& bases) {
  ARROW_RETURN_NOT_OK(CheckFragment(message, stable_row_ids));
  Fragment fragment;
  fragment.id = message.id();
  fragment.physical_rows = message.physical_rows();
  fragment.files.reserve(static_cast<size_t>(message.files_size()));
  for (const lance::table::DataFile& file : message.files()) {
    ARROW_ASSIGN_OR_RAISE(DataFile made, ReadDataFile(file, bases));
    fragment.files.push_back(std::move(made));
  }
  ARROW_RETURN_NOT_OK(CheckFieldsOnce(fragment.files));
  if (message.has_deletion_file()) {
    ARROW_ASSIGN_OR_RAISE(fragment.deletion_file,
                          ReadDeletionFile(message.deletion_file(), fragment.physical_rows, bases));
  }
  fragment.inline_row_ids = message.inline_row_ids();
  fragment.created_at_versions = message.inline_created_at_versions();
  fragment.last_updated_at_versions = message.inline_last_updated_at_versions();
  return fragment;
}

// Files below other bases are looked at again: the list of bases may have changed.
bool SameFile(const DataFile& file, const lance::table::DataFile& message) {
  const auto same = [](const auto& a, const auto& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  const auto version = MakeFileVersion(message.file_major_version(), message.file_minor_version());
  return file.path == message.path() && same(file.fields, message.fields()) &&
         same(file.column_indices, message.column_indices()) && version.ok() &&
         file.version == *version && file.size == message.file_size_bytes() && !file.base_id &&
         !message.has_base_id();
}

bool SameDeletions(const std::optional<DeletionFile>& file,
                   const lance::table::DataFragment& message) {
  if (!file || !message.has_deletion_file()) return !file && !message.has_deletion_file();
  const auto& deletions = message.deletion_file();
  const bool bitmap = deletions.file_type() == lance::table::DeletionFile::BITMAP;
  return (file->type == DeletionFile::Type::kBitmap) == bitmap &&
         file->read_version == deletions.read_version() && file->id == deletions.id() &&
         file->num_deleted_rows == deletions.num_deleted_rows() && !file->base_id &&
         !deletions.has_base_id();
}

/// Whether a fragment is what its message says; then the checks it has passed hold for it, too.
bool SameFragment(const Fragment& fragment, const lance::table::DataFragment& message) {
  return fragment.id == message.id() && fragment.physical_rows == message.physical_rows() &&
         SameDeletions(fragment.deletion_file, message) && message.overlays_size() == 0 &&
         !message.has_external_row_ids() &&
         std::equal(fragment.files.begin(), fragment.files.end(), message.files().begin(),
                    message.files().end(), SameFile) &&
         fragment.inline_row_ids == message.inline_row_ids() &&
         fragment.created_at_versions == message.inline_created_at_versions() &&
         fragment.last_updated_at_versions == message.inline_last_updated_at_versions();
}

arrow::Status CheckIdsOnce(const FragmentList& fragments) {
  std::vector<uint64_t> ids;
  ids.reserve(fragments.size());
  for (const Fragment& fragment : fragments) ids.push_back(fragment.id);
  std::sort(ids.begin(), ids.end());
  const auto twice = std::adjacent_find(ids.begin(), ids.end());
  if (twice == ids.end()) return arrow::Status::OK();
  return Corrupt("two fragments have the id " + std::to_string(*twice));
}

/// Gathers the fragments of a version from their messages. What it has in common with the version
/// before is shared.
class FragmentListReader {
 public:
  FragmentListReader(bool stable_row_ids, const BaseIds& bases, const Manifest* before)
      : stable_row_ids_(stable_row_ids),
        bases_(bases),
        before_(before != nullptr && before->stable_row_ids == stable_row_ids ? &before->fragments
                                                                              : nullptr) {}

  arrow::Status Add(const lance::table::DataFragment& message) {
    while (before_ != nullptr && next_ < before_->size() && (*before_)[next_].id < message.id())
      ++next_;
    if (before_ != nullptr && next_ < before_->size() && SameFragment((*before_)[next_], message)) {
      fragments_.push_back(before_->shared(next_++));
      return arrow::Status::OK();
    }
    auto read = ReadFragment(message, stable_row_ids_, bases_);
    if (!read.ok()) {
      return MakeError(GetErrorKind(read.status()),
                       "fragment " + std::to_string(message.id()) + ": " + read.status().message());
    }
    fragments_.push_back(std::make_shared<const Fragment>(*std::move(read)));
    return arrow::Status::OK();
  }

  arrow::Result<FragmentList> Finish() {
    ARROW_RETURN_NOT_OK(CheckIdsOnce(fragments_));
    return std::move(fragments_);
  }

 private:
  const bool stable_row_ids_;
  const BaseIds& bases_;
  const FragmentList* const before_;
  size_t next_ = 0;  // of the version before
  FragmentList fragments_;
};

/// Early manifests leave the storage version to their files.
arrow::Result<FileVersion> ReadFileVersion(const lance::table::Manifest& message,
                                           const FragmentList& fragments) {
  if (message.has_data_format()) {
    const auto& format = message.data_format();
    if (format.file_format() != "lance") {
      return MakeError(ErrorKind::kUnsupported, "the data files are in the format '" +
                                                    format.file_format() + "', not 'lance'");
    }
    return ParseFileVersion(format.version());
  }
  for (const Fragment& fragment : fragments) {
    if (!fragment.files.empty()) return fragment.files[0].version;
  }
  if (message.writer_feature_flags() & kVersion2Files) return FileVersion::kV2_0;
  return ParseFileVersion("legacy");
}

/// `add_fragments` adds those of the message, which need not be in it any more.
template <typename AddFragments>
arrow::Result<Manifest> ReadMessage(const lance::table::Manifest& message, const Manifest* before,
                                    const AddFragments& add_fragments) {
  ARROW_RETURN_NOT_OK(CheckReaderFlags(message.reader_feature_flags()));
  Manifest manifest;
  manifest.version = message.version();
  manifest.stable_row_ids = (message.reader_feature_flags() & kStableRowIds) != 0;
  manifest.next_row_id = message.next_row_id();
  if (message.has_max_fragment_id()) manifest.max_fragment_id = message.max_fragment_id();
  ARROW_ASSIGN_OR_RAISE(manifest.timestamp_us, Microseconds(message.timestamp()));
  ARROW_ASSIGN_OR_RAISE(manifest.schema, MakeSchema(message));
  BaseIds bases;
  ARROW_ASSIGN_OR_RAISE(manifest.base_paths, ReadBasePaths(message, &bases));
  FragmentListReader fragments(manifest.stable_row_ids, bases, before);
  ARROW_RETURN_NOT_OK(add_fragments(&fragments));
  ARROW_ASSIGN_OR_RAISE(manifest.fragments, fragments.Finish());
  ARROW_ASSIGN_OR_RAISE(manifest.file_version, ReadFileVersion(message, manifest.fragments));
  manifest.config = {message.config().begin(), message.config().end()};
  manifest.table_metadata = {message.table_metadata().begin(), message.table_metadata().end()};
  manifest.branch = message.branch();
  manifest.writer = message.writer_version().library() + " " + message.writer_version().version();
  return manifest;
}

arrow::Result<Manifest> Finish(arrow::Result<Manifest> manifest, const std::string& path,
                               uint64_t version) {
  if (!manifest.ok()) return WithContext(manifest.status(), {.path = path, .version = version});
  manifest->path = path;
  return manifest;
}

}  // namespace

uint64_t Manifest::live_rows() const {
  uint64_t rows = 0;
  for (const Fragment& fragment : fragments) rows += fragment.live_rows();
  return rows;
}

arrow::Result<Manifest> ParseManifest(std::span<const std::byte> bytes, const std::string& path) {
  auto split = SplitManifestMessage(bytes);
  if (!split.ok()) return WithContext(split.status(), {.path = path});
  lance::table::DataFragment message;  // one for all: its memory serves again
  auto manifest =
      ReadMessage(split->rest, nullptr, [&](FragmentListReader* fragments) -> arrow::Status {
        for (const bytes::Bytes encoded : split->fragments) {
          ARROW_RETURN_NOT_OK(lance::ParseInto(encoded, "fragment", &message));
          ARROW_RETURN_NOT_OK(fragments->Add(message));
        }
        return arrow::Status::OK();
      });
  return Finish(std::move(manifest), path, split->rest.version());
}

arrow::Result<Manifest> ReadManifestMessage(const lance::table::Manifest& message,
                                            const std::string& path, const Manifest* before) {
  auto manifest = ReadMessage(message, before, [&](FragmentListReader* fragments) -> arrow::Status {
    for (const lance::table::DataFragment& fragment : message.fragments())
      ARROW_RETURN_NOT_OK(fragments->Add(fragment));
    return arrow::Status::OK();
  });
  return Finish(std::move(manifest), path, message.version());
}

}  // namespace pilum::dataset
