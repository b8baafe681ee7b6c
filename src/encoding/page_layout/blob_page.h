// Blob pages of storage version 2.1: descriptors of values that lie elsewhere in the file.
//
//   a page of another layout, without levels, of one descriptor per row:
//   u64 position | u64 size
//
// A value that is null, or lies in something that is, has size 0 and its definition level, in the
// numbers of this page's layers, in the upper bits of the position: level << 16. The lower 16 bits
// would be a repetition level; but only rows without a value have room for one, so a column inside
// lists cannot be read back.
#pragma once

#include "encoding/page_layout/page_layout.h"

namespace pilum::encoding {

/// The layout's values are the descriptors; `type` is fixed width, of 128 bits.
arrow::Result<std::unique_ptr<PageLayout>> MakeBlobPage(const lance::encodings21::BlobLayout& wire,
                                                        const PageLocation& location,
                                                        const LevelScheme& scheme,
                                                        const LeafType& type);

}  // namespace pilum::encoding
