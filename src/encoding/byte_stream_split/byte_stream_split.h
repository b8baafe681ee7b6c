// Byte-stream split: byte j of value i of n is at j * n + i. Makes floats compressible by what
// surrounds it.
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kByteStreamSplit;

}  // namespace pilum::encoding
