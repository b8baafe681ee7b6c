// Runs on their way into mini-block pages (layout: rle.h).
#pragma once

#include "encoding/encoder.h"

namespace pilum::encoding {

Wire RleWire(uint64_t t_bits);

/// `values`, integers of T bits, must outlive the encoder.
std::unique_ptr<MiniBlockEncoder> MakeRleEncoder(uint64_t t_bits, const Values& values);

}  // namespace pilum::encoding
