// Variable: values of different lengths as offsets and bytes.
//
//   mini-block   n + 1 offsets of 4 or 8 bytes counted from the start of the buffer (the first is
//                the size of the offsets), then the bytes, padded to a multiple of the offset size
//   block        u32 32 | u32 start | n + 1 u32 offsets relative to start | bytes at start
//                (or all u64, 64)
//   per value    the bytes themselves
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kVariable;

}  // namespace pilum::encoding
