// Plain values of fixed width on their way into mini-block pages, those of fixed-size lists and
// rows of packed structs included.
#pragma once

#include "encoding/encoder.h"

namespace pilum::encoding {

Wire FlatWire(uint64_t bits);

/// The encoding of values of fixed width: flat, inside the lists or the packed struct around them.
Wire FixedWire(const ValueShape& shape, const Values& values);

/// `values`, of fixed width, must outlive the encoder.
std::unique_ptr<MiniBlockEncoder> MakeFlatEncoder(const ValueShape& shape, const Values& values);

}  // namespace pilum::encoding
