// DatasetReader: one version of a Lance dataset, opened for reading.
//
// Holds the manifest; opens data files, deletion files and row ids of its fragments when they are
// first needed. Immutable to its users and thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "dataset/fragment_rows.h"
#include "dataset/manifest.h"
#include "dataset/row_id_index.h"
#include "file/field_tree.h"
#include "file/file_reader.h"
#include "pilum/storage.h"
#include "runtime/set_once.h"
#include "scan/file_cache.h"

namespace pilum::scan {

class DatasetReader {
 public:
  /// `store` is the folder of the dataset (of the branch, for a branch); `main_store` that of its
  /// main line, which stands in for a recorded base path that does not exist any more.
  DatasetReader(std::shared_ptr<ObjectStore> store, std::shared_ptr<ObjectStore> main_store,
                std::shared_ptr<const dataset::Manifest> manifest,
                std::shared_ptr<FileCache> files);

  const dataset::Manifest& manifest() const { return *manifest_; }
  size_t num_fragments() const { return manifest_->fragments.size(); }
  const dataset::Fragment& fragment(size_t i) const { return manifest_->fragments[i]; }

  /// Rows that are not deleted, and where each fragment's start among them: num_fragments() + 1
  /// numbers.
  uint64_t live_rows() const { return live_starts_.back(); }
  const std::vector<uint64_t>& live_starts() const { return live_starts_; }
  /// The fragment with this id, or nothing.
  std::optional<size_t> FragmentWithId(uint32_t id) const;

  arrow::Result<std::shared_ptr<file::FileReader>> OpenFile(const dataset::DataFile& file) const;
  /// The column that holds a field in a fragment; without a file if there is none.
  arrow::Result<file::ColumnSource> FindColumn(size_t fragment, int32_t field_id) const;
  /// The store and path of a file of this version.
  arrow::Result<std::shared_ptr<ReadableObject>> OpenDataObject(std::optional<uint32_t> base_id,
                                                                const std::string& path,
                                                                uint64_t known_size = 0) const;
  /// Never null; empty for fragments without deletions.
  arrow::Result<std::shared_ptr<const dataset::DeletionVector>> Deletions(size_t fragment) const;
  /// Null for tables without stable row ids.
  arrow::Result<std::shared_ptr<const dataset::RowIds>> RowIds(size_t fragment) const;
  /// Of tables with stable row ids.
  arrow::Result<std::shared_ptr<const dataset::RowIdIndex>> IndexOfRowIds() const;

 private:
  struct Root {
    std::shared_ptr<ObjectStore> store;
    std::string prefix;  // of data files below it
  };
  arrow::Result<Root> RootOf(std::optional<uint32_t> base_id) const;
  bool MayHaveMoved(const arrow::Status& status, std::optional<uint32_t> base_id) const;
  arrow::Status CheckFile(const file::FileReader& file, const dataset::Fragment& fragment) const;

  std::shared_ptr<ObjectStore> store_;
  std::shared_ptr<ObjectStore> main_store_;
  std::shared_ptr<const dataset::Manifest> manifest_;
  std::shared_ptr<FileCache> files_;
  std::vector<uint64_t> live_starts_;

  mutable std::vector<runtime::SetOnce<const dataset::DeletionVector>> deletions_;
  mutable std::vector<runtime::SetOnce<const dataset::RowIds>> row_ids_;
  mutable runtime::SetOnce<const dataset::RowIdIndex> row_id_index_;
};

}  // namespace pilum::scan
