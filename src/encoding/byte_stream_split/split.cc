#include "encoding/byte_stream_split/split.h"

namespace pilum::encoding {
namespace {

template <size_t kBytes>
void Split(const std::byte* __restrict values, size_t n, std::byte* __restrict out) {
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < kBytes; ++j) out[j * n + i] = values[i * kBytes + j];
  }
}

}  // namespace

void SplitBytes(uint32_t t_bits, const std::byte* values, size_t n, std::byte* out) {
  if (t_bits == 32) {
    Split<4>(values, n, out);
  } else {
    Split<8>(values, n, out);
  }
}

}  // namespace pilum::encoding
