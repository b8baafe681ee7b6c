// FileReader: one parsed Lance data file (storage versions 2.0, 2.1 and 2.2).
//
//   page buffers … | global buffers | column metadata | offset tables | footer (40 bytes)
//
// Opening reads the metadata at the end of the file once. Columns are parsed when first asked for;
// what is learnt about their pages stays with the reader. Thread-safe; shared by everything that
// reads the file.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/result.h>

#include "bytes/byte_range.h"
#include "bytes/byte_reader.h"
#include "lance/file_v2.pb.h"
#include "pilum/storage.h"
#include "runtime/set_once.h"

namespace pilum::file {

using bytes::ByteRange;
using bytes::Bytes;

/// The version in a file's footer.
enum class FormatVersion { kV2_0, kV2_1, kV2_2 };

class ColumnReader;

class FileReader {
 public:
  /// Reads and checks the footer and the tables it points at.
  static arrow::Result<std::shared_ptr<FileReader>> Open(std::shared_ptr<ReadableObject> object);

  const std::shared_ptr<ReadableObject>& object() const { return object_; }
  FormatVersion version() const { return version_; }
  uint64_t num_rows() const { return num_rows_; }
  uint32_t num_columns() const { return static_cast<uint32_t>(columns_.size()); }

  /// The parsed metadata message of a column; kCorruptData if it is damaged or there is no such
  /// column.
  arrow::Result<lance::file::v2::ColumnMetadata> ReadColumnMetadata(uint32_t column) const;

  /// Something derived from a column and kept with the file, such as its parsed pages; made at
  /// first use by make(). `T` is the same for every call with files of this version.
  template <typename T, typename Make>
  arrow::Result<std::shared_ptr<T>> Cached(uint32_t column, const Make& make) {
    std::shared_ptr<void> kept = derived_[column].get();
    if (!kept) {
      ARROW_ASSIGN_OR_RAISE(std::shared_ptr<T> made, make());
      kept = derived_[column].set(std::move(made));
    }
    return std::static_pointer_cast<T>(kept);
  }

  /// Bytes of metadata held in memory, for the cache's accounting.
  size_t memory_bytes() const { return static_cast<size_t>(tail_->size()) + *derived_bytes_; }
  /// Where to count what is derived from the file and kept with it.
  const std::shared_ptr<std::atomic<size_t>>& derived_bytes() const { return derived_bytes_; }

 private:
  FileReader(std::shared_ptr<ReadableObject> object, std::shared_ptr<arrow::Buffer> tail,
             uint64_t tail_offset)
      : object_(std::move(object)), tail_(std::move(tail)), tail_offset_(tail_offset) {}

  arrow::Status ParseFooter(uint64_t* global_table, uint32_t* num_globals);
  arrow::Status ParseDescriptor(uint64_t global_table, uint32_t num_globals);
  arrow::Result<Bytes> TailBytes(ByteRange range, std::string_view what) const;
  arrow::Status Error(const arrow::Status& status) const;

  std::shared_ptr<ReadableObject> object_;
  std::shared_ptr<arrow::Buffer> tail_;  // the end of the file, from the first column metadata on
  uint64_t tail_offset_;
  FormatVersion version_ = FormatVersion::kV2_2;
  uint64_t num_rows_ = 0;
  std::vector<ByteRange> columns_;  // where each column's metadata is

  std::vector<runtime::SetOnce<void>> derived_;  // per column
  std::shared_ptr<std::atomic<size_t>> derived_bytes_ = std::make_shared<std::atomic<size_t>>(0);
};

/// Unwraps an Encoding message: the serialised message inside, which must have this type URL.
arrow::Result<std::string> UnwrapEncoding(const lance::file::v2::Encoding& encoding,
                                          std::string_view type_url);

}  // namespace pilum::file
