// Fetch over a local file in the page cache: what a random take costs before decoding.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <random>

#include "io/fetch.h"
#include "pilum/storage.h"
#include "runtime/runtime.h"

namespace pilum::io {
namespace {

constexpr uint64_t kFileBytes = 250 << 20;

/// A file of kFileBytes, removed at the end of the program.
class BenchmarkFile {
 public:
  BenchmarkFile() : folder_(std::filesystem::temp_directory_path() / "pilum_fetch_benchmark") {
    auto store = OpenLocalStore(folder_.string()).ValueOrDie();
    std::vector<std::byte> bytes(kFileBytes, std::byte{7});
    if (!store->Put("data", bytes).ok()) std::abort();
    object_ = store->Open("data").ValueOrDie();
  }
  ~BenchmarkFile() { std::filesystem::remove_all(folder_); }

  static const std::shared_ptr<ReadableObject>& Object() {
    static BenchmarkFile file;
    return file.object_;
  }

 private:
  std::filesystem::path folder_;
  std::shared_ptr<ReadableObject> object_;
};

std::vector<ByteRange> RandomRanges(int64_t count, uint64_t length) {
  std::mt19937_64 random(1);
  std::vector<ByteRange> ranges;
  for (int64_t i = 0; i < count; ++i) ranges.push_back({random() % (kFileBytes - length), length});
  return ranges;
}

/// count ranges of length bytes each.
void RandomReads(benchmark::State& state) {
  const auto& object = BenchmarkFile::Object();
  auto ranges = RandomRanges(state.range(0), static_cast<uint64_t>(state.range(1)));
  for (auto _ : state) {
    Fetch fetch;
    for (const ByteRange& range : ranges) fetch.Add(object, range);
    if (!fetch.Run().ok()) state.SkipWithError("the fetch failed");
    benchmark::DoNotOptimize(fetch.bytes(0).data());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(RandomReads)
    ->ArgNames({"count", "length"})
    ->Args({1, 64})
    ->Args({16, 64})
    ->Args({256, 64})
    ->Args({1500, 64})
    ->Args({256, 20 << 10})
    ->Args({8, 8 << 20})
    ->UseRealTime();

/// The same ranges one after the other, without Fetch: the floor on one thread.
void PlainReads(benchmark::State& state) {
  const auto& object = BenchmarkFile::Object();
  auto ranges = RandomRanges(state.range(0), static_cast<uint64_t>(state.range(1)));
  std::vector<std::byte> buffer(static_cast<size_t>(state.range(0) * state.range(1)));
  for (auto _ : state) {
    std::span<std::byte> out(buffer);
    for (const ByteRange& range : ranges) {
      if (!object->ReadAt(range.offset, out.first(range.length)).ok()) std::abort();
      out = out.subspan(range.length);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(PlainReads)
    ->ArgNames({"count", "length"})
    ->Args({1500, 64})
    ->Args({256, 20 << 10})
    ->UseRealTime();

}  // namespace
}  // namespace pilum::io
