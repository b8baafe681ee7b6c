// Run-length encoding of integers of 8, 16, 32 or 64 bits.
//
//   mini-block   buffer 0: run values; buffer 1: run lengths, u8, longer runs are split
//   block        u64 byte size of the values | values | run lengths
//
// Lengths may sum to more than the number of values (the surplus is cut), never to less.
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kRle;

}  // namespace pilum::encoding
