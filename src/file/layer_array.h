// From levels to structure: validity and offsets of one struct or list layer of a nested column.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/leaf_builder.h"
#include "encoding/levels.h"

namespace pilum::file {

struct LayerArrays {
  int64_t slots = 0;
  std::shared_ptr<arrow::Buffer> validity;  ///< null = all valid
  int64_t null_count = 0;
  std::vector<int64_t> offsets;  ///< lists: slots + 1 positions among the child's slots
};

/// Reads layer `layer` (counted from the innermost) out of a leaf's levels. `item_stride` > 1 keeps
/// only every so many-th slot: that is how a fixed-size list of structs appears, whose level is
/// repeated for each item.
arrow::Result<LayerArrays> ReadLayer(const encoding::LevelScheme& scheme, size_t layer,
                                     const encoding::LeafData& leaf, int64_t item_stride,
                                     arrow::MemoryPool* pool);

/// A list, large_list or map array over `child`.
arrow::Result<std::shared_ptr<arrow::ArrayData>> MakeListArray(
    const std::shared_ptr<arrow::DataType>& type, LayerArrays lists,
    std::shared_ptr<arrow::ArrayData> child, arrow::MemoryPool* pool);

}  // namespace pilum::file
