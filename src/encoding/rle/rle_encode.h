// Run-length encoding (layout: rle.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace pilum::encoding {

/// Runs of equal values among `n` values of T = 8, 16, 32 or 64 bits. A run that is encoded has at
/// most 255 values, so that up to n / 255 more are encoded.
uint64_t CountRuns(uint32_t t_bits, const std::byte* values, size_t n);

/// Replaces `run_values` by the value of each encoded run and `run_lengths` by its length.
void EncodeRuns(uint32_t t_bits, const std::byte* values, size_t n,
                std::vector<std::byte>* run_values, std::vector<std::byte>* run_lengths);

}  // namespace pilum::encoding
