// Unpacking of 1024 integers of W bits each, in the order of FastLanes.
//
// T is the width of the unpacked integers, W <= T. A packed block is W * (1024 / T) words of T
// bits. Lane l (of 1024 / T) holds T values; value `row` of a lane occupies bits [row * W, row * W
// + W) of the lane's bit string, whose word w is packed[w * lanes + l]. It is value O[row / 8] * 16
// + (row % 8) * 128 + l of the block, with O = {0, 4, 2, 6, 1, 5, 3, 7}.
//
// Source: Afroozeh and Boncz, The FastLanes Compression Layout, VLDB 2023.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bytes/simd.h"

namespace pilum::encoding {

inline constexpr uint32_t kPackedValues = 1024;

/// Bytes of a packed block of W-bit values.
constexpr uint64_t PackedBytes(uint64_t width) { return width * (kPackedValues / 8); }

/// Unpacks one block. `packed` has PackedBytes(width) bytes, any alignment; `out` room for 1024
/// values of T = 8, 16, 32 or 64 bits; width <= T.
void Unpack1024(uint32_t t_bits, uint32_t width, const std::byte* packed, std::byte* out);

/// The same with the kernels of one level, which the processor must have: what tests compare.
void Unpack1024At(bytes::SimdLevel level, uint32_t t_bits, uint32_t width, const std::byte* packed,
                  std::byte* out);

/// Where value i of a packed block is: the byte of the first word with its bits, the shift inside
/// it, and whether more of its bits are in the lane's next word.
struct PackedPlace {
  uint64_t byte;
  uint32_t shift;
  bool straddles;
};
inline PackedPlace PlaceOf(uint32_t t_bits, uint32_t width, uint32_t i) {
  constexpr uint32_t kGroupOf[8] = {0, 4, 2, 6, 1, 5, 3, 7};  // O is its own inverse
  const uint32_t lanes = kPackedValues / t_bits;
  const uint32_t rest = i % 128;
  const uint32_t row = kGroupOf[rest / lanes * (lanes / 16)] * 8 + i / 128;
  const uint32_t bit = row * width;
  const uint32_t shift = bit % t_bits;
  return {uint64_t{bit / t_bits * lanes + rest % lanes} * (t_bits / 8), shift,
          shift + width > t_bits};
}

}  // namespace pilum::encoding
