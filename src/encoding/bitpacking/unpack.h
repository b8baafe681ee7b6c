// Unpacking of 1024 integers of W bits each, in the order of FastLanes.
//
// T is the width of the unpacked integers, W <= T. A packed block is W * (1024 / T) words of T bits. Lane l
// (of 1024 / T) holds T values; value `row` of a lane occupies bits [row * W, row * W + W) of the lane's bit
// string, whose word w is packed[w * lanes + l]. It is value O[row / 8] * 16 + (row % 8) * 128 + l of the
// block, with O = {0, 4, 2, 6, 1, 5, 3, 7}.
//
// Source: Afroozeh and Boncz, The FastLanes Compression Layout, VLDB 2023.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pilum::encoding {

inline constexpr uint32_t kPackedValues = 1024;

/// Bytes of a packed block of W-bit values.
constexpr uint64_t PackedBytes(uint64_t width) { return width * (kPackedValues / 8); }

/// Unpacks one block. `packed` has PackedBytes(width) bytes, any alignment; `out` room for 1024 values of
/// T = 8, 16, 32 or 64 bits; width <= T.
void Unpack1024(uint32_t t_bits, uint32_t width, const std::byte* packed, std::byte* out);

}  // namespace pilum::encoding
