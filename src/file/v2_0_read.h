// Reading a field of a 2.0 file: every struct, list and leaf has a column of its own, and lists say
// which items of the next column belong to them, so each list level takes another round of reads.
#pragma once

#include "file/field_read.h"

namespace pilum::file {

arrow::Result<std::unique_ptr<FieldRead>> MakeV2_0Read(FieldTree tree, arrow::MemoryPool* pool);

}  // namespace pilum::file
