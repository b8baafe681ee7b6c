// Tokens per second of making blocks of rows in memory.
#include <random>

#include <benchmark/benchmark.h>

#include "stream/pack_block.h"
#include "stream/token_queue.h"
#include "stream/token_rows.h"

namespace pilum::stream {
namespace {

constexpr int64_t kTokens = 1 << 22;

void Check(const arrow::Status& status) {
  if (!status.ok()) status.Abort();
}

/// Rows of up to twice `length` tokens of random values.
template <typename Builder>
std::shared_ptr<const TokenRows> MakeRows(int64_t length) {
  std::mt19937 random(1);
  auto values = std::make_shared<Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  while (values->length() < kTokens) {
    Check(lists.Append());
    for (auto left = random() % static_cast<uint32_t>(2 * length + 1); left > 0; --left)
      Check(values->Append(static_cast<typename Builder::value_type>(random())));
  }
  const auto column = lists.Finish().ValueOrDie();
  const auto schema = arrow::schema({arrow::field("tokens", column->type())});
  return std::make_shared<const TokenRows>(
      *arrow::RecordBatch::Make(schema, column->length(), {column}));
}

template <typename Builder>
void Pack(benchmark::State& state) {
  const auto rows = MakeRows<Builder>(state.range(0));
  const PackOptions packing{.block_tokens = state.range(1)};
  std::vector<int64_t> input_ids(static_cast<size_t>(packing.block_tokens));
  std::vector<int64_t> doc_ids(input_ids.size());
  PackCounts counts;
  for (auto _ : state) {
    TokenQueue queue({});
    queue.Put(rows, 0, rows->size());
    while (queue.tokens() > 0) {
      Check(PackBlock(packing, &queue, input_ids.data(), doc_ids.data(), &counts));
      benchmark::DoNotOptimize(input_ids.data());
      benchmark::DoNotOptimize(doc_ids.data());
      benchmark::ClobberMemory();
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(counts.tokens));
}

void ForLengths(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgNames({"row", "block"});
  for (int64_t row : {5, 300, 5000})
    for (int64_t block : {512, 8192}) benchmark->Args({row, block});
}
BENCHMARK_TEMPLATE(Pack, arrow::UInt16Builder)->Apply(ForLengths);
BENCHMARK_TEMPLATE(Pack, arrow::Int32Builder)->Apply(ForLengths);
BENCHMARK_TEMPLATE(Pack, arrow::Int64Builder)->Apply(ForLengths);
BENCHMARK_TEMPLATE(Pack, arrow::UInt64Builder)->Apply(ForLengths);

}  // namespace
}  // namespace pilum::stream
