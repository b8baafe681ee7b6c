#include "encoding/bitpacking/unpack.h"

#include "bytes/simd.h"

namespace pilum::encoding {

#define PILUM_DECLARE_KERNELS(ns)         \
  namespace ns {                          \
  void Unpack8(int, const void*, void*);  \
  void Unpack16(int, const void*, void*); \
  void Unpack32(int, const void*, void*); \
  void Unpack64(int, const void*, void*); \
  }
PILUM_DECLARE_KERNELS(unpack_scalar)
#if defined(__x86_64__)
PILUM_DECLARE_KERNELS(unpack_v3)
PILUM_DECLARE_KERNELS(unpack_v4)
#endif
#undef PILUM_DECLARE_KERNELS

namespace {

using Kernel = void (*)(int, const void*, void*);
struct Kernels {
  Kernel by_log2_bytes[4];
};

Kernels KernelsOf(bytes::SimdLevel level) {
#if defined(__x86_64__)
  switch (level) {
    case bytes::SimdLevel::kV4:
      return {{unpack_v4::Unpack8, unpack_v4::Unpack16, unpack_v4::Unpack32, unpack_v4::Unpack64}};
    case bytes::SimdLevel::kV3:
      return {{unpack_v3::Unpack8, unpack_v3::Unpack16, unpack_v3::Unpack32, unpack_v3::Unpack64}};
    case bytes::SimdLevel::kScalar:
      break;
  }
#endif
  return {{unpack_scalar::Unpack8, unpack_scalar::Unpack16, unpack_scalar::Unpack32,
           unpack_scalar::Unpack64}};
}

}  // namespace

void Unpack1024(uint32_t t_bits, uint32_t width, const std::byte* packed, std::byte* out) {
  static const Kernels kKernels = KernelsOf(bytes::ActiveSimdLevel());
  kKernels.by_log2_bytes[__builtin_ctz(t_bits) - 3](static_cast<int>(width), packed, out);
}

void Unpack1024At(bytes::SimdLevel level, uint32_t t_bits, uint32_t width, const std::byte* packed,
                  std::byte* out) {
  KernelsOf(level).by_log2_bytes[__builtin_ctz(t_bits) - 3](static_cast<int>(width), packed, out);
}

}  // namespace pilum::encoding
