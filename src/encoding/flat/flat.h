// Flat: fixed-width values side by side, nothing compressed.
//
//   bits = 1      a bitmap, least significant bit first
//   bits = 8·k    k bytes per value, little endian
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kFlat;

}  // namespace pilum::encoding
