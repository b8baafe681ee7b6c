// Byte-stream split (layout: byte_stream_split.h).
#pragma once

#include <cstddef>
#include <cstdint>

namespace pilum::encoding {

/// Splits `n` values of 32 or 64 bits; writes as many bytes.
void SplitBytes(uint32_t t_bits, const std::byte* values, size_t n, std::byte* out);

}  // namespace pilum::encoding
