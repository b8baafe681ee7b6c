// From decoded leaves to Arrow arrays.
#pragma once

#include <memory>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "encoding/leaf_builder.h"

namespace pilum::file {

/// What a column of this Arrow type holds. kUnsupported for types that are no single column.
arrow::Result<encoding::LeafType> LeafTypeOf(const arrow::DataType& type);

/// What a packed struct's column holds: rows of fixed width if all fields have one. From 2.1 on a
/// fixed-size list counts as a field of variable width (`lists_are_fixed` false).
arrow::Result<encoding::LeafType> PackedLeafTypeOf(const arrow::StructType& type,
                                                   bool lists_are_fixed);

/// The values of a leaf as an array of `type`, with `validity` (null = all valid) over its slots.
arrow::Result<std::shared_ptr<arrow::ArrayData>> MakeLeafArray(
    const std::shared_ptr<arrow::DataType>& type, const encoding::LeafData& leaf,
    std::shared_ptr<arrow::Buffer> validity, int64_t null_count);

/// A packed struct's rows taken apart.
arrow::Result<std::shared_ptr<arrow::ArrayData>> SplitPackedStruct(
    const std::shared_ptr<arrow::DataType>& type, const encoding::LeafData& leaf,
    std::shared_ptr<arrow::Buffer> validity, int64_t null_count, arrow::MemoryPool* pool);

}  // namespace pilum::file
