// Bit packing in blocks of 1024 integers (layout: unpack.h).
//
//   inline        one word of T bits holding the width W, then the packed block; at most 1024 values
//   out of line   W is in the descriptor; n / 1024 packed blocks, then the rest either raw
//                 (if exactly that many bytes are left) or as one more packed block
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kInlineBitpacking;
extern const Codec kOutOfLineBitpacking;

}  // namespace pilum::encoding
