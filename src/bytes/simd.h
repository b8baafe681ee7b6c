// Which instruction set the kernels use.
#pragma once

namespace pilum::bytes {

/// In ascending order: plain code for the build's baseline, then the x86-64 micro-architecture
/// levels.
enum class SimdLevel { kScalar, kV3, kV4 };

/// The best level this processor has, or what PILUM_SIMD=scalar|v3|v4 asks for if the processor has
/// that. Decided once.
SimdLevel ActiveSimdLevel();

}  // namespace pilum::bytes
