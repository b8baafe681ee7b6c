// ColumnEncoder: what makes the pages of one column of a file that is written.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "file/field_tree.h"
#include "file/file_reader.h"

namespace pilum::file {

/// A page as the file has it.
struct StoredPage {
  std::string type_url;  ///< of its encoding
  std::string encoding;  ///< serialised message
  std::vector<std::shared_ptr<arrow::Buffer>> buffers;
  uint64_t length = 0;  ///< as the format counts it
};

/// Thread-safe.
class ColumnEncoder {
 public:
  virtual ~ColumnEncoder() = default;

  /// The page for some rows of the field that the column belongs to, with descriptors in place of
  /// blobs (blob_write.h).
  virtual arrow::Result<StoredPage> Encode(const std::shared_ptr<arrow::ArrayData>& rows,
                                           arrow::MemoryPool* pool) const = 0;
  /// Whether its pages hold descriptors of blobs of version 1.
  virtual bool holds_blobs() const = 0;
};

/// In the order of the columns. `root` must outlive them. kUnsupported for types that the version
/// cannot hold.
arrow::Result<std::vector<std::unique_ptr<ColumnEncoder>>> MakeColumnEncoders(
    const FieldNode& root, FormatVersion version);

// For MakeColumnEncoders.

/// Of 2.1 and 2.2: a column per leaf.
arrow::Result<std::vector<std::unique_ptr<ColumnEncoder>>> StructuralEncoders(
    const FieldNode& root, FormatVersion version);
/// Of 2.0: a column per field, parents before their children.
arrow::Result<std::vector<std::unique_ptr<ColumnEncoder>>> V2_0Encoders(const FieldNode& root);

}  // namespace pilum::file
