#include "encoding/bitpacking/pack.h"

#include <bit>

#include "bytes/byte_reader.h"

namespace pilum::encoding {

#define PILUM_DECLARE_KERNELS(ns)                      \
  namespace ns {                                       \
  void Pack8(int, const void*, void*);                 \
  void Pack16(int, const void*, void*);                \
  void Pack32(int, const void*, void*);                \
  void Pack64(int, const void*, void*);                \
  unsigned long OrWords(const void*, unsigned long n); \
  }
PILUM_DECLARE_KERNELS(pack_scalar)
#if defined(__x86_64__)
PILUM_DECLARE_KERNELS(pack_v3)
PILUM_DECLARE_KERNELS(pack_v4)
#endif
#undef PILUM_DECLARE_KERNELS

namespace {

struct Kernels {
  void (*pack_by_log2_bytes[4])(int, const void*, void*);
  unsigned long (*or_words)(const void*, unsigned long);
};

Kernels KernelsOf(bytes::SimdLevel level) {
#if defined(__x86_64__)
  switch (level) {
    case bytes::SimdLevel::kV4:
      return {{pack_v4::Pack8, pack_v4::Pack16, pack_v4::Pack32, pack_v4::Pack64},
              pack_v4::OrWords};
    case bytes::SimdLevel::kV3:
      return {{pack_v3::Pack8, pack_v3::Pack16, pack_v3::Pack32, pack_v3::Pack64},
              pack_v3::OrWords};
    case bytes::SimdLevel::kScalar:
      break;
  }
#endif
  return {{pack_scalar::Pack8, pack_scalar::Pack16, pack_scalar::Pack32, pack_scalar::Pack64},
          pack_scalar::OrWords};
}

const Kernels& ActiveKernels() {
  static const Kernels kKernels = KernelsOf(bytes::ActiveSimdLevel());
  return kKernels;
}

}  // namespace

void Pack1024(uint32_t t_bits, uint32_t width, const std::byte* values, std::byte* packed) {
  ActiveKernels().pack_by_log2_bytes[std::countr_zero(t_bits) - 3](static_cast<int>(width), values,
                                                                   packed);
}

void Pack1024At(bytes::SimdLevel level, uint32_t t_bits, uint32_t width, const std::byte* values,
                std::byte* packed) {
  KernelsOf(level).pack_by_log2_bytes[std::countr_zero(t_bits) - 3](static_cast<int>(width), values,
                                                                    packed);
}

uint32_t BitsNeeded(uint32_t t_bits, const std::byte* values, size_t n) {
  const size_t size = n * (t_bits / 8), words = size / 8;
  uint64_t all = ActiveKernels().or_words(values, words);
  all |= bytes::LoadShort(values + words * 8, size % 8);
  for (uint32_t half = 32; half >= t_bits; half /= 2)
    all = (all | all >> half) & ((1ull << half) - 1);
  return static_cast<uint32_t>(std::bit_width(all));
}

}  // namespace pilum::encoding
