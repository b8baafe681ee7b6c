// Bit packing on the way into pages (layouts: bitpacking.h).
#pragma once

#include "encoding/encoder.h"

namespace pilum::encoding {

/// Integers of T = 8, 16, 32 or 64 bits, each chunk of 1024 in as many bits as its largest needs.
/// `values` must outlive the encoder.
std::unique_ptr<MiniBlockEncoder> MakeInlineBitpackingEncoder(uint64_t t_bits,
                                                              const Values& values);
/// Bytes that it makes of n values.
uint64_t InlineBitpackedBytes(uint64_t t_bits, const Values& values, uint64_t n);

/// Integers of T bits in `width` bits each, which the descriptor has.
Wire OutOfLineBitpackingWire(uint64_t t_bits, uint64_t width);
/// What this makes of n values, bytes.
uint64_t OutOfLineBytes(uint32_t t_bits, uint32_t width, uint64_t n);
void EncodeOutOfLine(uint32_t t_bits, uint32_t width, Bytes values, uint64_t n, ByteWriter* out);

}  // namespace pilum::encoding
