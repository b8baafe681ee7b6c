// Mini-block pages: values in chunks of a few KiB, each decoded whole.
//
//   buffer 0   a word per chunk, u16 in 2.1, u32 with large chunks:
//              (bytes / 8 - 1) << 4 | log2(values)
//   buffer 1   the chunks: u16 levels | u16 rep size? | u16 def size? | u16/u32 value size × buffers
//              | pad 8 | rep | pad 8 | def | pad 8 | value buffer | pad 8 …
//   then       the dictionary, if there is one
//   then       with lists, the repetition index: per chunk u64 rows that end in it
//              and u64 entries after the last row end
#pragma once

#include "encoding/page_layout/page_layout.h"

namespace pilum::encoding {

arrow::Result<std::unique_ptr<PageLayout>> MakeMiniBlockPage(
    const lance::encodings21::MiniBlockLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type);

}  // namespace pilum::encoding
