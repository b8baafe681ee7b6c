// Packed structs: the fields of a row side by side in one column.
//
//   PackedStruct           mini-block and fixed full-zip: fields of fixed width, in order,
//                          without padding
//   VariablePackedStruct   full-zip value: per field either its bytes, or a length and its bytes,
//                          which may be compressed by themselves
//
// Decoded, a variable packed value is normalised to: fixed fields as they are, variable ones as u32
// length and plain bytes.
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kPackedStruct;
extern const Codec kVariablePackedStruct;

}  // namespace pilum::encoding
