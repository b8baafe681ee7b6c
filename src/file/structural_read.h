// Reading a field of a 2.1 or 2.2 file.
#pragma once

#include "file/field_read.h"

namespace pilum::file {

arrow::Result<std::unique_ptr<FieldRead>> MakeStructuralRead(FieldTree tree,
                                                             arrow::MemoryPool* pool);

}  // namespace pilum::file
