// FileWriter: record batches become one Lance data file.
//
//   batches ─► per field: rows of a page ─► per column: encode (CPU executor) ─► append
//
//   page buffers, each from a multiple of 64 on | schema | column metadata | offset tables | footer
//
// Memory is bounded: per column what makes a page, and a few pages that wait for their turn.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "file/blob_write.h"
#include "file/column_encoder.h"
#include "file/field_tree.h"
#include "file/file_reader.h"
#include "file/page_queue.h"
#include "lance/file.pb.h"
#include "lance/file_v2.pb.h"
#include "pilum/storage.h"

namespace pilum::file {

/// Where a file and what belongs to it are written.
struct FileOutput {
  std::unique_ptr<ObjectWriter> file;
  SidecarMaker make_sidecar;  ///< for blobs
};

struct FileWriterOptions {
  FormatVersion version = FormatVersion::kV2_2;
  uint64_t page_bytes = 8 << 20;  ///< per column, before encoding; more when single rows are larger
  arrow::MemoryPool* pool = arrow::default_memory_pool();
};

/// For one thread.
class FileWriter {
 public:
  /// `fields` are the columns of the batches (without sources); `schema` is what the file
  /// says of itself.
  static arrow::Result<std::unique_ptr<FileWriter>> Make(FileOutput out,
                                                         std::vector<FieldNode> fields,
                                                         lance::file::Schema schema,
                                                         FileWriterOptions options = {});

  /// Columns of the file, in the order of the fields: their leaves, or in 2.0 all of them.
  uint32_t num_columns() const { return static_cast<uint32_t>(columns_.size()); }
  uint64_t num_rows() const { return num_rows_; }  ///< rows so far
  /// Bytes in the file so far; rows that wait for their page are not in it.
  uint64_t bytes_written() const { return out_->size(); }

  /// Columns as the fields, in type as well. Returns before all of it is written.
  arrow::Status Write(const arrow::RecordBatch& batch);

  /// Writes what is left, finishes the object and returns its size.
  arrow::Result<uint64_t> Finish();

 private:
  /// A field with the rows that wait for their page.
  struct PendingField {
    FieldNode node;
    std::vector<std::unique_ptr<ColumnEncoder>> encoders;  ///< of its columns
    uint32_t first_column = 0;
    arrow::ArrayVector rows;
    uint64_t bytes = 0;
    uint64_t num_rows = 0;
    uint64_t first_row = 0;  ///< of the page
  };

  FileWriter(FileOutput out, lance::file::Schema schema, const FileWriterOptions& options);

  arrow::Status AddFields(std::vector<FieldNode> fields);
  arrow::Status Add(PendingField* field, const std::shared_ptr<arrow::Array>& rows);
  arrow::Status EndPage(PendingField* field);
  arrow::Status AppendNextPage();
  arrow::Status Align();
  arrow::Status AppendTail();
  std::string Descriptor() const;

  std::unique_ptr<ObjectWriter> out_;
  const lance::file::Schema schema_;
  const FileWriterOptions options_;
  std::vector<PendingField> fields_;
  std::vector<lance::file::v2::ColumnMetadata> columns_;
  uint64_t num_rows_ = 0;
  BlobWriter blobs_;
  PageQueue queue_;  // last: its jobs point to encoders
};

}  // namespace pilum::file
