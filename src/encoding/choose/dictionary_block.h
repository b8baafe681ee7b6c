// Dictionaries on their way into pages.
#pragma once

#include <span>

#include <arrow/array.h>

#include "encoding/choose/choose.h"

namespace pilum::encoding {

/// The items of an Arrow dictionary. kInvalidArgument if some are null.
arrow::Result<DictionaryBlock> ArrowDictionaryBlock(const arrow::Array& dictionary,
                                                    arrow::MemoryPool* pool);

/// The values at `positions`.
DictionaryBlock DistinctBlock(const Values& values, const LeafType& type,
                              std::span<const uint32_t> positions, arrow::MemoryPool* pool);

}  // namespace pilum::encoding
