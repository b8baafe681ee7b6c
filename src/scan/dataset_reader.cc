#include "scan/dataset_reader.h"

#include <algorithm>
#include <utility>

#include "io/store_path.h"
#include "pilum/error.h"

namespace pilum::scan {

using arrow::Result;

namespace {

bool IsCompatible(dataset::FileVersion declared, file::FormatVersion found) {
  switch (declared) {
    case dataset::FileVersion::kV2_0:
      return found == file::FormatVersion::kV2_0;
    case dataset::FileVersion::kV2_1:
      return found == file::FormatVersion::kV2_1;
    case dataset::FileVersion::kV2_2:
      return found == file::FormatVersion::kV2_2;
  }
  return false;
}

}  // namespace

DatasetReader::DatasetReader(std::shared_ptr<ObjectStore> store,
                             std::shared_ptr<ObjectStore> main_store,
                             std::shared_ptr<const dataset::Manifest> manifest,
                             std::shared_ptr<FileCache> files)
    : store_(std::move(store)),
      main_store_(std::move(main_store)),
      manifest_(std::move(manifest)),
      files_(std::move(files)),
      deletions_(manifest_->fragments.size()),
      row_ids_(manifest_->fragments.size()) {
  live_starts_.reserve(manifest_->fragments.size() + 1);
  live_starts_.push_back(0);
  for (const auto& fragment : manifest_->fragments)
    live_starts_.push_back(live_starts_.back() + fragment.live_rows());
}

std::optional<size_t> DatasetReader::FragmentWithId(uint32_t id) const {
  const auto& fragments = manifest_->fragments;
  // Ids mostly ascend.
  auto it =
      std::lower_bound(fragments.begin(), fragments.end(), id,
                       [](const auto& fragment, uint32_t wanted) { return fragment.id < wanted; });
  if (it == fragments.end() || it->id != id) {
    it = std::find_if(fragments.begin(), fragments.end(),
                      [&](const auto& fragment) { return fragment.id == id; });
  }
  if (it == fragments.end()) return std::nullopt;
  return static_cast<size_t>(it - fragments.begin());
}

Result<DatasetReader::Root> DatasetReader::RootOf(std::optional<uint32_t> base_id) const {
  if (!base_id) return Root{store_, "data/"};
  const auto& bases = manifest_->base_paths;
  auto base =
      std::find_if(bases.begin(), bases.end(), [&](const auto& b) { return b.id == *base_id; });
  if (base == bases.end()) {
    return MakeError(ErrorKind::kCorruptData,
                     "base path " + std::to_string(*base_id) + " is not in the manifest",
                     {.path = manifest_->path});
  }
  const std::string prefix = base->is_dataset_root ? "data/" : "";
  auto path = io::LocalPathOf(base->path);
  auto opened = path.ok() ? OpenLocalStore(*path) : path.status();
  if (opened.ok()) return Root{*opened, prefix};
  return WithContext(opened.status(), {.path = base->path});
}

Result<std::shared_ptr<ReadableObject>> DatasetReader::OpenDataObject(
    std::optional<uint32_t> base_id, const std::string& path, uint64_t known_size) const {
  ARROW_ASSIGN_OR_RAISE(Root root, RootOf(base_id));
  auto object = root.store->Open(root.prefix + path, known_size);
  if (!MayHaveMoved(object.status(), base_id)) return object;
  auto moved = main_store_->Open(root.prefix + path, known_size);
  return moved.ok() ? moved : object;
}

// Recorded paths are absolute and break when a dataset is moved; a branch still lies below its main
// line.
bool DatasetReader::MayHaveMoved(const arrow::Status& status,
                                 std::optional<uint32_t> base_id) const {
  return !status.ok() && GetErrorKind(status) == ErrorKind::kNotFound && base_id && main_store_;
}

Result<std::shared_ptr<file::FileReader>> DatasetReader::OpenFile(
    const dataset::DataFile& data_file) const {
  const std::string key =
      (data_file.base_id ? std::to_string(*data_file.base_id) : "") + ":" + data_file.path;
  ARROW_ASSIGN_OR_RAISE(
      auto file, files_->Get(key, [&]() -> Result<std::shared_ptr<file::FileReader>> {
        ARROW_ASSIGN_OR_RAISE(auto object,
                              OpenDataObject(data_file.base_id, data_file.path, data_file.size));
        return file::FileReader::Open(std::move(object));
      }));
  if (!IsCompatible(data_file.version, file->version())) {
    return MakeError(ErrorKind::kCorruptData,
                     "the data file is of another storage version than the manifest says",
                     {.path = file->object()->name()});
  }
  return file;
}

Result<file::ColumnSource> DatasetReader::FindColumn(size_t fragment, int32_t field_id) const {
  const auto& files = this->fragment(fragment).files;
  for (uint32_t i = 0; i < files.size(); ++i) {
    auto field = std::find(files[i].fields.begin(), files[i].fields.end(), field_id);
    if (field == files[i].fields.end()) continue;
    const int32_t column =
        files[i].column_indices[static_cast<size_t>(field - files[i].fields.begin())];
    if (column < 0) continue;
    ARROW_ASSIGN_OR_RAISE(auto file, OpenFile(files[i]));
    ARROW_RETURN_NOT_OK(
        WithContext(CheckFile(*file, this->fragment(fragment)), {.path = file->object()->name()}));
    return file::ColumnSource{std::move(file), static_cast<uint32_t>(column), i};
  }
  return file::ColumnSource{};
}

arrow::Status DatasetReader::CheckFile(const file::FileReader& file,
                                       const dataset::Fragment& fragment) const {
  if (file.num_rows() != fragment.physical_rows) {
    return MakeError(ErrorKind::kCorruptData,
                     "the data file has " + std::to_string(file.num_rows()) +
                         " rows, its fragment " + std::to_string(fragment.id) + " has " +
                         std::to_string(fragment.physical_rows));
  }
  const bool table_is_2_0 = manifest_->file_version == dataset::FileVersion::kV2_0;
  if ((file.version() == file::FormatVersion::kV2_0) != table_is_2_0) {
    return MakeError(ErrorKind::kUnsupported,
                     "the data file and its table are of storage version 2.0 and of a later one; "
                     "rewrite the table in one version");
  }
  return arrow::Status::OK();
}

Result<std::shared_ptr<const dataset::DeletionVector>> DatasetReader::Deletions(
    size_t fragment) const {
  if (auto known = deletions_[fragment].get()) return known;
  auto loaded = std::make_shared<const dataset::DeletionVector>();
  const auto& deletion_file = this->fragment(fragment).deletion_file;
  if (deletion_file) {
    std::shared_ptr<ObjectStore> store = store_;
    if (deletion_file->base_id) {
      ARROW_ASSIGN_OR_RAISE(Root root, RootOf(deletion_file->base_id));
      store = root.store;
    }
    auto read = dataset::ReadDeletionVector(*store, this->fragment(fragment));
    if (MayHaveMoved(read.status(), deletion_file->base_id)) {
      read = dataset::ReadDeletionVector(*main_store_, this->fragment(fragment));
    }
    ARROW_ASSIGN_OR_RAISE(loaded, std::move(read));
  }
  return deletions_[fragment].set(std::move(loaded));
}

Result<std::shared_ptr<const dataset::RowIds>> DatasetReader::RowIds(size_t fragment) const {
  if (!manifest_->stable_row_ids) return nullptr;
  if (auto known = row_ids_[fragment].get()) return known;
  const auto& f = this->fragment(fragment);
  auto parsed = dataset::RowIds::Parse(f.inline_row_ids, f.physical_rows);
  if (!parsed.ok()) {
    return WithContext(parsed.status(), {.path = manifest_->path, .version = manifest_->version});
  }
  return row_ids_[fragment].set(*std::move(parsed));
}

Result<std::shared_ptr<const dataset::RowIdIndex>> DatasetReader::IndexOfRowIds() const {
  if (auto known = row_id_index_.get()) return known;
  std::vector<dataset::RowIdIndex::FragmentRows> fragments;
  for (size_t i = 0; i < num_fragments(); ++i) {
    dataset::RowIdIndex::FragmentRows rows;
    rows.fragment_id = static_cast<uint32_t>(fragment(i).id);
    ARROW_ASSIGN_OR_RAISE(rows.ids, RowIds(i));
    ARROW_ASSIGN_OR_RAISE(rows.deleted, Deletions(i));
    fragments.push_back(std::move(rows));
  }
  ARROW_ASSIGN_OR_RAISE(auto index, dataset::RowIdIndex::Make(fragments));
  return row_id_index_.set(std::move(index));
}

}  // namespace pilum::scan
