#include "dataset/deletion_file.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <arrow/array.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>

#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::dataset {
namespace {

using bytes::Corrupt;

/// What Arrow reports about the bytes of a file is damage, whatever it calls it.
arrow::Status Damaged(const arrow::Status& status) {
  return Corrupt("the Arrow file cannot be read: " + status.message());
}

arrow::Status CheckShape(const arrow::ipc::RecordBatchFileReader& file) {
  const arrow::Schema& schema = *file.schema();
  if (schema.num_fields() != 1 || schema.field(0)->type()->id() != arrow::Type::UINT32) {
    return Corrupt("a deletion file has one column of type uint32, this one has: " +
                   schema.ToString());
  }
  if (file.num_record_batches() != 1) {
    return Corrupt("a deletion file has one record batch, this one has " +
                   std::to_string(file.num_record_batches()));
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<uint32_t>> SortedOffsets(const arrow::RecordBatch& batch,
                                                   uint64_t max_rows) {
  arrow::Status valid = batch.ValidateFull();
  if (!valid.ok()) return Damaged(valid);
  const auto& column = static_cast<const arrow::UInt32Array&>(*batch.column(0));
  if (column.null_count() != 0) return Corrupt("a deleted offset is null");
  if (static_cast<uint64_t>(column.length()) > max_rows) {
    return Corrupt("it lists " + std::to_string(column.length()) + " deleted rows, at most " +
                   std::to_string(max_rows) + " were expected");
  }
  std::vector<uint32_t> offsets(column.raw_values(), column.raw_values() + column.length());
  std::sort(offsets.begin(), offsets.end());
  auto twice = std::adjacent_find(offsets.begin(), offsets.end());
  if (twice != offsets.end()) {
    return Corrupt("it lists the deleted row " + std::to_string(*twice) + " twice");
  }
  return offsets;
}

}  // namespace

std::string DeletionFilePath(uint64_t fragment_id, const DeletionFile& file) {
  const char* suffix = file.type == DeletionFile::Type::kBitmap ? ".bin" : ".arrow";
  return "_deletions/" + std::to_string(fragment_id) + "-" + std::to_string(file.read_version) +
         "-" + std::to_string(file.id) + suffix;
}

arrow::Result<std::vector<uint32_t>> ParseDeletionArrow(bytes::Bytes bytes, uint64_t max_rows) {
  // Besides the offsets: their padding, a validity bitmap and Arrow's copies of the metadata.
  constexpr int64_t kSlack = 1 << 20;
  arrow::ProxyMemoryPool counted(GetMemoryPool());
  arrow::CappedMemoryPool pool(&counted,
                               static_cast<int64_t>(5 * max_rows + bytes.size()) + kSlack);
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = &pool;
  options.use_threads = false;
  options.max_recursion_depth = 2;
  options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;

  auto buffer = std::make_shared<arrow::Buffer>(reinterpret_cast<const uint8_t*>(bytes.data()),
                                                static_cast<int64_t>(bytes.size()));
  arrow::io::BufferReader input(buffer);
  auto file = arrow::ipc::RecordBatchFileReader::Open(&input, options);
  if (!file.ok()) return Damaged(file.status());
  ARROW_RETURN_NOT_OK(CheckShape(**file));
  auto batch = (*file)->ReadRecordBatch(0);
  if (!batch.ok()) return Damaged(batch.status());
  return SortedOffsets(**batch, max_rows);
}

}  // namespace pilum::dataset
