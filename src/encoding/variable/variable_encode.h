// Values of variable width on their way into pages.
#pragma once

#include "encoding/encoder.h"

namespace pilum::encoding {

/// Offsets of 32 or 64 bits.
Wire VariableWire(uint64_t offset_bits);

/// `values`, of variable width, must outlive the encoder.
std::unique_ptr<MiniBlockEncoder> MakeVariableEncoder(const Values& values, bool wide);

/// Each value as it is, which `wire` describes.
std::unique_ptr<PerValueEncoder> MakeRawEncoder(Wire wire);

/// Values as a block: offset width, start of the bytes, offsets, bytes.
void EncodeVariableBlock(const Values& values, bool wide, ByteWriter* out);

}  // namespace pilum::encoding
