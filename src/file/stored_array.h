// What a column holds of the values of its node: the values themselves, documents of JSON texts,
// rows of packed structs.
#pragma once

#include <memory>
#include <optional>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/codec.h"
#include "encoding/leaf_builder.h"
#include "file/field_tree.h"

namespace pilum::file {

struct StoredArray {
  std::shared_ptr<arrow::ArrayData> array;
  /// Of rows that have no fixed width, how their fields follow each other.
  std::optional<encoding::Wire> row_wire;
};

/// `values` is an array of the node's type; of blobs it is their descriptors (blob_write.h). `type`
/// is that of the column: whether packed rows have a fixed width depends on the storage version.
/// kInvalidArgument for nulls inside packed structs, which have no place there, and for texts that
/// are no JSON.
arrow::Result<StoredArray> MakeStoredArray(const FieldNode& node, const encoding::LeafType& type,
                                           std::shared_ptr<arrow::ArrayData> values,
                                           arrow::MemoryPool* pool);

}  // namespace pilum::file
