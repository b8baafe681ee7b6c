// From decoded leaves to Arrow arrays.
#pragma once

#include <memory>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/leaf_builder.h"
#include "file/field_tree.h"

namespace pilum::file {

/// What the column of a node holds: its values, rows of its children, documents, or descriptors of
/// its blobs. kUnsupported for types that are no single column. In a packed struct of version 2.0
/// fixed-size lists have a fixed width like other fields; later ones (`lists_are_fixed` false)
/// count them as variable.
arrow::Result<encoding::LeafType> LeafTypeOf(const FieldNode& node, bool lists_are_fixed);

/// The validity of the slots of a leaf.
struct LeafValidity {
  std::shared_ptr<arrow::Buffer> bitmap;  ///< null = all valid
  int64_t null_count = 0;
};

/// The column of a node, of another kind than a blob, as an array of the node's type.
arrow::Result<std::shared_ptr<arrow::ArrayData>> MakeLeafArray(const FieldNode& node,
                                                               const encoding::LeafData& leaf,
                                                               LeafValidity validity,
                                                               arrow::MemoryPool* pool);

}  // namespace pilum::file
