#include "encoding/byte_stream_split/split.h"

#include <algorithm>

#include "bytes/byte_reader.h"

namespace pilum::encoding {
namespace {

// Four bytes are as many as compilers turn into shuffles of vectors.
void Split32(const std::byte* __restrict values, size_t n, std::byte* __restrict out,
             size_t stride) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < 4; ++j) out[j * stride + i] = values[i * 4 + j];
  }
}

void Split64(const std::byte* values, size_t n, std::byte* out) {
  constexpr size_t kBlock = 256;
  uint32_t low[kBlock], high[kBlock];
  for (size_t begin = 0; begin < n; begin += kBlock) {
    const size_t size = std::min(kBlock, n - begin);
    for (size_t i = 0; i < size; ++i) {
      low[i] = bytes::Load<uint32_t>(values + (begin + i) * 8);
      high[i] = bytes::Load<uint32_t>(values + (begin + i) * 8 + 4);
    }
    Split32(reinterpret_cast<const std::byte*>(low), size, out + begin, n);
    Split32(reinterpret_cast<const std::byte*>(high), size, out + 4 * n + begin, n);
  }
}

}  // namespace

void SplitBytes(uint32_t t_bits, const std::byte* values, size_t n, std::byte* out) {
  if (t_bits == 32) {
    Split32(values, n, out, n);
  } else {
    Split64(values, n, out);
  }
}

}  // namespace pilum::encoding
