// Writing blobs: values go elsewhere, and their descriptors take their place in the column (forms:
// blob.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/codec.h"
#include "file/field_tree.h"
#include "pilum/storage.h"

namespace pilum::file {

/// Makes the sidecar with this number.
using SidecarMaker = std::function<arrow::Result<std::unique_ptr<ObjectWriter>>(uint32_t blob_id)>;

/// How descriptors of version 2 follow each other in a row.
encoding::Wire BlobDescriptorWire();

/// The blobs of one data file. For one thread.
class BlobWriter {
 public:
  /// `out` is the data file, which inline values are appended to. Both outlive the writer.
  BlobWriter(ObjectWriter* out, SidecarMaker make_sidecar, arrow::MemoryPool* pool)
      : out_(out), make_sidecar_(std::move(make_sidecar)), pool_(pool) {}

  /// Writes the values of blobs in a column of this node, and returns it with descriptors in their
  /// place. A column without blobs stays as it is.
  arrow::Result<std::shared_ptr<arrow::Array>> Store(const FieldNode& node,
                                                     const std::shared_ptr<arrow::Array>& column);

  /// Finishes the sidecars.
  arrow::Status Finish();

 private:
  struct Place {
    uint8_t kind = 0;
    uint64_t position = 0;
    uint32_t blob_id = 0;
  };
  /// In bytes; metadata of the field may change them.
  struct Thresholds {
    uint64_t most_inline = 64 << 10;
    uint64_t most_packed = 4 << 20;
    uint64_t sidecar_size = uint64_t{1} << 30;
  };

  static arrow::Result<Thresholds> ThresholdsOf(const arrow::Field& field);
  arrow::Result<std::shared_ptr<arrow::Array>> StoreStruct(const FieldNode& node,
                                                           const arrow::StructArray& rows);
  arrow::Result<std::shared_ptr<arrow::Array>> StoreV1(const arrow::LargeBinaryArray& blobs);
  arrow::Result<std::shared_ptr<arrow::Array>> StoreV2(const FieldNode& node,
                                                       const arrow::LargeBinaryArray& blobs);
  arrow::Result<Place> StoreValue(std::string_view value, const Thresholds& thresholds);
  arrow::Result<uint64_t> AppendInline(std::string_view value);
  arrow::Result<Place> AppendPacked(std::string_view value, uint64_t sidecar_size);
  arrow::Result<Place> WriteDedicated(std::string_view value);

  ObjectWriter* const out_;
  const SidecarMaker make_sidecar_;
  arrow::MemoryPool* const pool_;
  uint32_t num_sidecars_ = 0;
  std::unique_ptr<ObjectWriter> packed_;  // the sidecar that small values share
  uint32_t packed_id_ = 0;
};

}  // namespace pilum::file
