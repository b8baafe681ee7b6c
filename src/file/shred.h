// Shredding: the part of an Arrow array that belongs into one leaf column, as levels and values.
//
// The way back is structural_read.cc. Method: the one of Dremel (Melnik and others, VLDB 2010),
// layer by layer from the outermost on, in Lance's numbers (encoding/levels.h).
#pragma once

#include <memory>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/leaf_rows.h"
#include "file/leaf_column.h"

namespace pilum::file {

/// `field` is an array of the type of the field that the leaf belongs to, sliced or not. The result
/// keeps what it shares with it.
arrow::Result<encoding::LeafRows> Shred(const std::shared_ptr<arrow::ArrayData>& field,
                                        const LeafColumn& leaf, arrow::MemoryPool* pool);

}  // namespace pilum::file
