// Words with their bytes split on their way into mini-block pages (layout: byte_stream_split.h).
#pragma once

#include <memory>

#include "encoding/encoder.h"

namespace pilum::encoding {

/// `values`, words of 32 or 64 bits, must outlive the encoder.
std::unique_ptr<MiniBlockEncoder> MakeByteStreamSplitEncoder(uint64_t t_bits, const Values& values);

}  // namespace pilum::encoding
