#include "file/field_read.h"

#include <utility>

#include "file/structural_read.h"
#include "file/v2_0_read.h"

namespace pilum::file {

arrow::Result<std::unique_ptr<FieldRead>> MakeFieldRead(FieldTree tree, FormatVersion version,
                                                        arrow::MemoryPool* pool) {
  return version == FormatVersion::kV2_0 ? MakeV2_0Read(std::move(tree), pool)
                                         : MakeStructuralRead(std::move(tree), pool);
}

}  // namespace pilum::file
