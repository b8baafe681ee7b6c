// Allocate and Free of warm buffers, alone and from several threads at once.
#include <benchmark/benchmark.h>

#include "pilum/runtime.h"

namespace pilum {
namespace {

void AllocateAndFree(benchmark::State& state) {
  arrow::MemoryPool* pool = GetMemoryPool();
  for (auto _ : state) {
    uint8_t* buffer = nullptr;
    if (!pool->Allocate(state.range(0), &buffer).ok()) state.SkipWithError("out of memory");
    benchmark::DoNotOptimize(buffer);
    pool->Free(buffer, state.range(0));
  }
}
BENCHMARK(AllocateAndFree)->Arg(1 << 10)->Arg(64 << 10)->Arg(4 << 20)->ThreadRange(1, 4);

}  // namespace
}  // namespace pilum
