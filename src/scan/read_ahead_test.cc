// How far a scan reads ahead of its consumer.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "io/fault_store.h"
#include "pilum/runtime.h"
#include "scan/test_dataset.h"

namespace pilum::scan {
namespace {

/// A golden table of one fragment as a large one: the fragment is listed `copies` times.
std::shared_ptr<const DatasetReader> Repeat(const std::shared_ptr<ObjectStore>& store,
                                            size_t copies) {
  auto manifest =
      std::make_shared<dataset::Manifest>(*dataset::ReadManifest(*store, {}).ValueOrDie());
  while (manifest->fragments.size() < copies) {
    auto fragment = std::make_shared<dataset::Fragment>(manifest->fragments[0]);
    fragment->id = manifest->fragments.size();
    manifest->fragments.push_back(std::move(fragment));
  }
  return std::make_shared<const DatasetReader>(store, store, std::move(manifest),
                                               std::make_shared<FileCache>(64 << 20));
}

TEST(ReadAhead, IsBoundedHoweverLargeTheTableAndSlowTheConsumer) {
  constexpr int64_t kReadAhead = 4 << 20;
  auto store = std::make_shared<io::FaultStore>(GoldenStore("mixed-2.2"));
  const auto dataset = Repeat(store, 400);
  ScanPlan plan = FullPlan(dataset);
  plan.batch_size = 100;
  plan.readahead_bytes = kReadAhead;
  const int64_t before = GetMemoryPool()->bytes_allocated();
  auto stream = MakeScanStream(std::move(plan)).ValueOrDie();
  std::this_thread::sleep_for(std::chrono::milliseconds(200));  // for those who read too far
  const int64_t read_unasked = store->bytes_read();
  uint64_t rows = 0;
  int64_t peak = 0;
  while (auto batch = stream->Next().ValueOrDie()) {
    rows += static_cast<uint64_t>(batch->num_rows());
    peak = std::max(peak, GetMemoryPool()->bytes_allocated() - before);
  }
  EXPECT_EQ(rows, dataset->live_rows());
  EXPECT_GT(read_unasked, 0);
  EXPECT_LE(read_unasked, kReadAhead);
  EXPECT_GT(store->bytes_read(), 10 * kReadAhead);
  EXPECT_GT(peak, 0);
  EXPECT_LE(peak, 2 * kReadAhead);  // what is decoded, and the bytes it is decoded from
}

}  // namespace
}  // namespace pilum::scan
