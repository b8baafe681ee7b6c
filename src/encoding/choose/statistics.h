// What the choice of an encoding has to know about values. Bits and runs: bitpacking/pack.h and
// rle/rle_encode.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "encoding/codec.h"

namespace pilum::encoding {

/// Values as indices of distinct ones, which are numbered as they appear.
struct DistinctValues {
  std::vector<uint32_t> first;    ///< where each distinct value appears first
  std::vector<uint32_t> indices;  ///< for each value, the number of the distinct one it equals
};

/// How many distinct values of `width` bytes there are, compared bit by bit; `limit + 1`, and found
/// early, if there are more than `limit`. Fills `found` if it is not null and the limit holds.
uint64_t CountDistinct(const std::byte* values, size_t width, size_t n, uint64_t limit,
                       DistinctValues* found = nullptr);
/// The same for values [offsets[i], offsets[i + 1]) of `bytes`.
uint64_t CountDistinct(std::span<const uint32_t> offsets, Bytes bytes, uint64_t limit,
                       DistinctValues* found = nullptr);

}  // namespace pilum::encoding
