// Full-zip pages: levels and value of one entry side by side, for large values.
//
//   buffer 0   per entry: control word (rep << bits_def | def, in 0, 1, 2 or 4 bytes) | value
//              fixed width: every entry that owns a slot has its bytes, nulls included
//              variable:    an entry with def = 0 has a length of 4 or 8 bytes and the bytes
//   buffer 1   if values are variable or there are lists: rows + 1 offsets of 1, 2, 4 or 8 bytes
#pragma once

#include "encoding/page_layout/page_layout.h"

namespace pilum::encoding {

arrow::Result<std::unique_ptr<PageLayout>> MakeFullZipPage(
    const lance::encodings21::FullZipLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type);

}  // namespace pilum::encoding
