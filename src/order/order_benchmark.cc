// What an index costs. Sizes: the largest table that is kept, and computed ones, lucky and unlucky.
#include <benchmark/benchmark.h>

#include "pilum/order.h"

namespace pilum {
namespace {

constexpr int64_t kSizes[] = {65'535, 1'000'000, 10'000'000, (1 << 28) + 1, 100'000'000'000};
constexpr uint64_t kWindow = 8192;  // positions

void ForSizes(benchmark::internal::Benchmark* benchmark) {
  for (int64_t size : kSizes) benchmark->Arg(size);
}

RowOrder Shuffled(const benchmark::State& state, uint64_t clump_size) {
  return RowOrder::Shuffled(static_cast<uint64_t>(state.range(0)), {.clump_size = clump_size})
      .ValueOrDie();
}

void RowAt(benchmark::State& state) {
  const auto order = Shuffled(state, 1);
  for (auto _ : state) {
    for (uint64_t i = 0; i < kWindow; ++i) benchmark::DoNotOptimize(order.RowAt(i));
  }
  state.SetItemsProcessed(state.iterations() * kWindow);
}
BENCHMARK(RowAt)->Apply(ForSizes);

void PositionOf(benchmark::State& state) {
  const auto order = Shuffled(state, 1);
  for (auto _ : state) {
    for (uint64_t i = 0; i < kWindow; ++i) benchmark::DoNotOptimize(order.PositionOf(i));
  }
  state.SetItemsProcessed(state.iterations() * kWindow);
}
BENCHMARK(PositionOf)->Apply(ForSizes);

void Fill(benchmark::State& state, uint64_t clump_size) {
  const auto order = Shuffled(state, clump_size);
  std::vector<uint64_t> rows(kWindow);
  for (auto _ : state) {
    order.Fill(0, rows);
    benchmark::DoNotOptimize(rows.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kWindow);
}
BENCHMARK_CAPTURE(Fill, clumps_of_1, 1)->Apply(ForSizes);
BENCHMARK_CAPTURE(Fill, clumps_of_2, 2)->Apply(ForSizes);
BENCHMARK_CAPTURE(Fill, clumps_of_64, 64)->Apply(ForSizes);

// Before the first row.
void MakeShuffled(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Shuffled(state, 1));
}
BENCHMARK(MakeShuffled)->Apply(ForSizes);

}  // namespace
}  // namespace pilum
