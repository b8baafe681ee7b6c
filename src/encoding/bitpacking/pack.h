// Packing of 1024 integers of W bits each, in the order of FastLanes (layout: unpack.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes/simd.h"

namespace pilum::encoding {

/// Packs one block: the low `width` bits of 1024 values of T = 8, 16, 32 or 64 bits; width <= T.
/// Writes PackedBytes(width) bytes; neither pointer needs alignment.
void Pack1024(uint32_t t_bits, uint32_t width, const std::byte* values, std::byte* packed);

/// The same with the kernels of one level, which the processor must have: what tests compare.
void Pack1024At(bytes::SimdLevel level, uint32_t t_bits, uint32_t width, const std::byte* values,
                std::byte* packed);

/// The width that holds all of `n` values of T bits, taken as unsigned: 0 if all are 0.
uint32_t BitsNeeded(uint32_t t_bits, const std::byte* values, size_t n);

}  // namespace pilum::encoding
