#include "bytes/simd.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace pilum::bytes {
namespace {

SimdLevel Detect() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
            __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma");
  bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("avx512vl");
  return v4 ? SimdLevel::kV4 : v3 ? SimdLevel::kV3 : SimdLevel::kScalar;
#else
  return SimdLevel::kScalar;
#endif
}

SimdLevel Choose() {
  SimdLevel best = Detect();
  const char* wanted = std::getenv("PILUM_SIMD");
  if (!wanted) return best;
  std::string_view name(wanted);
  if (name == "scalar") return SimdLevel::kScalar;
  if (name == "v3") return std::min(best, SimdLevel::kV3);
  return best;
}

}  // namespace

SimdLevel ActiveSimdLevel() {
  static const SimdLevel kLevel = Choose();
  return kLevel;
}

}  // namespace pilum::bytes
