#include <memory>
#include <string>

#include <benchmark/benchmark.h>

#include "filter/filter.h"

namespace pilum::filter {
namespace {

std::shared_ptr<arrow::RecordBatch> Labels(int64_t rows) {
  arrow::Int64Builder builder;
  for (int64_t i = 0; i < rows; ++i) (void)builder.Append(i * 7919 % 1000);
  auto labels = builder.Finish().ValueOrDie();
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("label", arrow::int64())}), rows,
                                  {labels});
}

// Planning a list of that many integers.
void BM_PlanInList(benchmark::State& state) {
  std::string sql = "label IN (";
  for (int64_t i = 0; i < state.range(0); ++i) sql += (i ? "," : "") + std::to_string(i * 7919);
  sql += ")";
  auto schema = Labels(1)->schema();
  for (auto _ : state) {
    benchmark::DoNotOptimize(Expression::ParsePredicate(sql, *schema).ValueOrDie());
  }
}
BENCHMARK(BM_PlanInList)->Arg(1000)->Arg(100'000)->Unit(benchmark::kMillisecond);

void BM_PlanOrChain(benchmark::State& state) {
  std::string sql = "label = 0";
  for (int64_t i = 1; i < state.range(0); ++i) sql += " OR label = " + std::to_string(i);
  auto schema = Labels(1)->schema();
  for (auto _ : state) {
    benchmark::DoNotOptimize(Expression::ParsePredicate(sql, *schema).ValueOrDie());
  }
}
BENCHMARK(BM_PlanOrChain)->Arg(10)->Arg(10'000)->Unit(benchmark::kMillisecond);

void Select(benchmark::State& state, const char* sql) {
  auto batch = Labels(state.range(0));
  auto filter = Expression::ParsePredicate(sql, *batch->schema()).ValueOrDie();
  for (auto _ : state) benchmark::DoNotOptimize(filter->Select(*batch).ValueOrDie());
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK_CAPTURE(Select, equal, "label = 3")->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(Select, range, "label BETWEEN 10 AND 900")->Arg(65536);
BENCHMARK_CAPTURE(Select, in_list, "label IN (1, 2, 3, 500)")->Arg(65536);

}  // namespace
}  // namespace pilum::filter
