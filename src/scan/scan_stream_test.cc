#include "scan/scan_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <numeric>
#include <random>
#include <thread>

#include "io/fault_store.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/busy_cpus.h"
#include "scan/row_size.h"
#include "scan/test_dataset.h"

namespace pilum::scan {
namespace {

using Call = io::FaultStore::Call;

// Many fragments, deletions in some of them.
constexpr char kHistory[] = "history-2.2";
constexpr char kDense[] = "dense-deletions";

std::vector<uint64_t> Addresses(const std::string& name) {
  std::vector<uint64_t> addresses;
  const auto table = ExpectedGolden(name);
  for (const auto& chunk : table->GetColumnByName(kRowAddress)->chunks()) {
    const auto& values = static_cast<const arrow::UInt64Array&>(*chunk);
    for (int64_t i = 0; i < values.length(); ++i) addresses.push_back(values.Value(i));
  }
  return addresses;
}

arrow::Result<std::vector<uint64_t>> Collect(ScanPlan plan, int64_t max_batch = 0) {
  ARROW_ASSIGN_OR_RAISE(auto stream, MakeScanStream(std::move(plan)));
  std::vector<uint64_t> addresses;
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto batch, stream->Next());
    if (!batch) return addresses;
    EXPECT_GT(batch->num_rows(), 0);
    if (max_batch > 0) {
      EXPECT_LE(batch->num_rows(), max_batch);
    }
    const auto& values =
        static_cast<const arrow::UInt64Array&>(*batch->GetColumnByName(kRowAddress));
    for (int64_t i = 0; i < values.length(); ++i) addresses.push_back(values.Value(i));
  }
}

std::vector<uint64_t> Window(const std::vector<uint64_t>& all, uint64_t offset, uint64_t limit) {
  const size_t begin = std::min<size_t>(offset, all.size());
  const size_t end = begin + std::min<uint64_t>(limit, all.size() - begin);
  return {all.begin() + static_cast<long>(begin), all.begin() + static_cast<long>(end)};
}

TEST(ScanStream, EveryBatchSizeDeliversTheSameRows) {
  for (const char* name : {kHistory, "mixed-2.0", "mixed-2.1", "stable-row-ids"}) {
    const auto dataset = OpenGolden(GoldenStore(name));
    const auto expected = Addresses(name);
    const int64_t rows = static_cast<int64_t>(expected.size());
    for (int64_t size = 1; size <= std::min<int64_t>(rows + 2, 70); ++size) {
      ScanPlan plan = AddressPlan(dataset);
      plan.batch_size = size;
      auto found = Collect(std::move(plan), size);
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(*found, expected) << name << ", batches of " << size;
    }
    for (int64_t size : {int64_t{0}, rows - 1, rows, rows + 1, int64_t{1} << 40}) {
      if (size < 0) continue;
      ScanPlan plan = AddressPlan(dataset);
      plan.batch_size = size;
      EXPECT_EQ(*Collect(std::move(plan), size), expected) << name << ", batches of " << size;
    }
  }
}

TEST(ScanStream, AConsumerThatWaitsGoesOnAlone) {
  const runtime::BusyCpus busy;
  EXPECT_EQ(*Collect(AddressPlan(OpenGolden(GoldenStore(kHistory)))), Addresses(kHistory));
}

// Of the thread's other calls, that is: reading a stream is none of those.
TEST(ScanStream, AConsumerThatGoesOnAloneIsNotStoppedByItsCancelScope) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  const auto stream = MakeScanStream(AddressPlan(dataset)).ValueOrDie();
  const runtime::BusyCpus busy;
  const CancelScope scope([] { return false; });
  std::this_thread::sleep_for(std::chrono::milliseconds(60));  // until it asks
  EXPECT_TRUE(stream->Next().ok());
}

TEST(ScanStream, DeliversTheValuesExpected) {
  for (const char* name :
       {kHistory, kDense, "encodings-2.1", "encodings-2.2", "mixed-2.0", "mixed-2.2"}) {
    const auto dataset = OpenGolden(GoldenStore(name));
    const auto expected = ExpectedGolden(name);
    for (int64_t size : {0, 13}) {
      ScanPlan plan = FullPlan(dataset);
      plan.batch_size = size;
      auto stream = MakeScanStream(std::move(plan));
      ASSERT_TRUE(stream.ok()) << stream.status();
      auto table = (*stream)->ToTable();
      ASSERT_TRUE(table.ok()) << table.status();
      ASSERT_TRUE((*table)->ValidateFull().ok()) << (*table)->ValidateFull();
      ASSERT_EQ((*table)->num_rows(), expected->num_rows());
      for (int i = 0; i < expected->num_columns(); ++i) {
        const auto& type = *expected->column(i)->type();
        // Dictionaries are unified by the writer of the expected file, extensions are registered
        // elsewhere.
        if (type.id() == arrow::Type::DICTIONARY || type.id() == arrow::Type::EXTENSION) continue;
        EXPECT_TRUE((*table)->column(i)->Equals(*expected->column(i),
                                                arrow::EqualOptions().nans_equal(true)))
            << name << ": " << expected->field(i)->name();
      }
    }
  }
}

TEST(ScanStream, LimitsAndOffsetsCutTheRows) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  const auto all = Addresses(kHistory);
  std::mt19937 random(4);
  const uint64_t n = all.size();
  std::vector<std::pair<uint64_t, uint64_t>> windows = {{0, 0},
                                                        {0, 1},
                                                        {n - 1, 1},
                                                        {n, 1},
                                                        {n + 5, 5},
                                                        {0, n},
                                                        {0, n + 1},
                                                        {1, ~uint64_t{0}},
                                                        {~uint64_t{0}, ~uint64_t{0}}};
  for (int i = 0; i < 150; ++i) windows.emplace_back(random() % (n + 3), random() % (n + 3));
  for (auto [offset, limit] : windows) {
    ScanPlan plan = AddressPlan(dataset);
    plan.offset = offset;
    plan.limit = limit;
    plan.batch_size = 1 + static_cast<int64_t>(random() % 40);
    auto found = Collect(std::move(plan));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(*found, Window(all, offset, limit)) << "offset " << offset << ", limit " << limit;
  }
}

/// Keeps the rows whose address is divisible by `divisor`.
RowFilter Divisible(const std::shared_ptr<const DatasetReader>& dataset, uint64_t divisor) {
  RowFilter filter;
  filter.projection = AddressPlan(dataset).projection;
  filter.select =
      [divisor](const arrow::RecordBatch& batch) -> arrow::Result<std::vector<uint32_t>> {
    std::vector<uint32_t> kept;
    const auto& values = static_cast<const arrow::UInt64Array&>(*batch.column(0));
    for (uint32_t i = 0; i < values.length(); ++i) {
      if (values.Value(i) % divisor == 0) kept.push_back(i);
    }
    return kept;
  };
  return filter;
}

TEST(ScanStream, OffsetsCountTheRowsThatAFilterKeeps) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  std::mt19937 random(5);
  for (uint64_t divisor : {1, 2, 7, 1000}) {
    std::vector<uint64_t> kept;
    for (uint64_t address : Addresses(kHistory)) {
      if (address % divisor == 0) kept.push_back(address);
    }
    ScanPlan count = AddressPlan(dataset);
    count.filter = Divisible(dataset, divisor);
    EXPECT_EQ(*CountMatching(std::move(count)), kept.size());
    for (int i = 0; i < 25; ++i) {
      ScanPlan plan = FullPlan(dataset);
      plan.filter = Divisible(dataset, divisor);
      plan.offset = i == 0 ? 0 : random() % (kept.size() + 2);
      const uint64_t limit = i == 0 ? kept.size() : random() % (kept.size() + 2);
      plan.limit = limit;
      plan.unit_bytes = i % 2 == 0 ? plan.unit_bytes : 1 + random() % 2000;
      plan.batch_size = 1 + static_cast<int64_t>(random() % 40);
      const uint64_t offset = plan.offset;
      auto found = Collect(std::move(plan));
      ASSERT_TRUE(found.ok()) << found.status();
      EXPECT_EQ(*found, Window(kept, offset, limit)) << "offset " << offset << ", limit " << limit;
    }
  }
}

TEST(ScanStream, WhatAFilterKeepsIsReadInPieces) {
  const auto dataset = OpenGolden(GoldenStore(kDense));
  const auto expected = Addresses(kDense);
  ScanPlan plan = FullPlan(dataset);
  plan.filter = Divisible(dataset, 1);
  plan.unit_bytes = 1000;  // 125 addresses; fewer rows of all columns
  const uint64_t row_bytes = EstimateRowSize(*dataset, *plan.projection, 0).bytes;
  ASSERT_GT(row_bytes, 16u);
  auto stream = *MakeScanStream(std::move(plan));
  size_t batches = 0;
  size_t rows = 0;
  for (auto batch = *stream->Next(); batch; batch = *stream->Next()) {
    EXPECT_LE(static_cast<uint64_t>(batch->num_rows()),
              2 * std::max<uint64_t>(1, 1000 / row_bytes));
    rows += static_cast<size_t>(batch->num_rows());
    ++batches;
  }
  EXPECT_EQ(rows, expected.size());
  EXPECT_GT(batches, expected.size() / 125);
}

/// What scans read of a table whose metadata is in memory already.
class ReadCounts : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(Collect(FullPlan(dataset_)).ok()); }

  template <typename Scan>
  int64_t BytesRead(const Scan& scan) {
    const int64_t before = store_->bytes_read();
    scan();
    return store_->bytes_read() - before;
  }

  std::shared_ptr<io::FaultStore> store_ =
      std::make_shared<io::FaultStore>(GoldenStore("mixed-2.2"));
  std::shared_ptr<const DatasetReader> dataset_ = OpenGolden(store_);
};

TEST_F(ReadCounts, ALimitEndsTheReading) {
  const auto read = [&](std::optional<uint64_t> limit, bool wait) {
    ScanPlan plan = FullPlan(dataset_);
    plan.filter = Divisible(dataset_, 1);
    plan.limit = limit;
    plan.unit_bytes = 100;
    plan.readahead_bytes = 1;
    auto stream = *MakeScanStream(std::move(plan));
    do {
      while (wait && !stream->WaitNext(std::chrono::milliseconds(50))) {
      }
    } while (*stream->Next() != nullptr);
  };
  const int64_t all = BytesRead([&] { read(std::nullopt, false); });
  for (bool wait : {false, true})
    EXPECT_LT(BytesRead([&] { read(1, wait); }) * 10, all) << "wait " << wait;
}

TEST(ScanStream, OnlySomeFragments) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  ASSERT_GT(dataset->num_fragments(), 1u);
  const auto all = Addresses(kHistory);
  for (size_t fragment = 0; fragment < dataset->num_fragments(); ++fragment) {
    ScanPlan plan = AddressPlan(dataset);
    plan.fragments = {fragment};
    EXPECT_EQ(*Collect(std::move(plan)), Window(all, dataset->live_starts()[fragment],
                                                dataset->fragment(fragment).live_rows()));
  }
}

TEST(ScanStream, NoRowsAreNoBatches) {
  const auto dataset = OpenGolden(GoldenStore("empty"));
  auto stream = MakeScanStream(FullPlan(dataset));
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_EQ((*stream)->Next().ValueOrDie(), nullptr);
  EXPECT_TRUE((*stream)->WaitNext(std::chrono::milliseconds(0)));
}

std::shared_ptr<io::FaultStore> FaultyStore(const std::string& name) {
  return std::make_shared<io::FaultStore>(GoldenStore(name));
}

TEST(ScanStream, MayBeDroppedWhileReadsAreInFlight) {
  for (int batches = 0; batches < 4; ++batches) {
    auto store = FaultyStore(kHistory);
    const auto dataset = OpenGolden(store);
    ScanPlan plan = FullPlan(dataset);
    plan.batch_size = 5;
    store->Delay(Call::kRead, std::chrono::milliseconds(2));
    auto stream = MakeScanStream(std::move(plan));
    ASSERT_TRUE(stream.ok()) << stream.status();
    for (int i = 0; i < batches; ++i) EXPECT_TRUE((*stream)->Next().ok());
    stream->reset();
  }
}

TEST(ScanStream, ClosedStreamsEnd) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  ScanPlan plan = FullPlan(dataset);
  plan.batch_size = 5;
  auto stream = *MakeScanStream(std::move(plan));
  ASSERT_NE(*stream->Next(), nullptr);
  ASSERT_TRUE(stream->Close().ok());
  EXPECT_EQ(*stream->Next(), nullptr);
}

TEST(ScanStream, WaitsForTheNextBatchOnly) {
  auto store = FaultyStore(kHistory);
  const auto dataset = OpenGolden(store);
  store->Delay(Call::kRead, std::chrono::milliseconds(30));
  auto stream = *MakeScanStream(FullPlan(dataset));
  EXPECT_FALSE(stream->WaitNext(std::chrono::milliseconds(1)));
  while (!stream->WaitNext(std::chrono::milliseconds(50))) {
  }
  EXPECT_NE(*stream->Next(), nullptr);
}

TEST(ScanStream, ErrorsComeInOrderAndEndTheStream) {
  // The file of the last fragment fails; the rows before it come all the same.
  auto store = FaultyStore(kHistory);
  const auto dataset = OpenGolden(store);
  const size_t last = dataset->num_fragments() - 1;
  const std::string path = dataset->fragment(last).files[0].path;
  store->Fail(Call::kOpen, ErrorKind::kUnavailable, {.path_contains = path});
  store->Fail(Call::kRead, ErrorKind::kUnavailable, {.path_contains = path});
  ScanPlan plan = FullPlan(dataset);
  plan.batch_size = 4;
  auto stream = *MakeScanStream(std::move(plan));
  uint64_t rows = 0;
  arrow::Status error;
  while (true) {
    auto batch = stream->Next();
    if (!batch.ok()) {
      error = batch.status();
      break;
    }
    ASSERT_NE(*batch, nullptr) << "the stream ended without the error";
    rows += static_cast<uint64_t>((*batch)->num_rows());
  }
  EXPECT_EQ(GetErrorKind(error), ErrorKind::kUnavailable) << error;
  EXPECT_NE(error.ToString().find(path), std::string::npos) << error;
  EXPECT_EQ(rows, dataset->live_starts()[last]);
  EXPECT_EQ(stream->Next().status(), error);  // not an end, which would look like a complete result
}

TEST(ScanStream, EveryFailedReadSurfaces) {
  auto count = FaultyStore(kHistory);
  auto dataset = OpenGolden(count);
  const int64_t before = count->calls(Call::kRead);
  ASSERT_TRUE(Collect(FullPlan(dataset)).ok());
  const int64_t reads = count->calls(Call::kRead) - before;
  ASSERT_GT(reads, 0);
  for (int64_t skip = 0; skip < reads; skip += 1 + reads / 40) {
    auto store = FaultyStore(kHistory);
    dataset = OpenGolden(store);
    store->Fail(Call::kRead, ErrorKind::kPermission, {.skip = skip});
    auto found = Collect(FullPlan(dataset));
    EXPECT_EQ(GetErrorKind(found.status()), ErrorKind::kPermission)
        << "read " << skip << ": " << found.status();
  }
}

TEST(ScanStream, DamagedFilesNameThemselves) {
  auto store = FaultyStore(kHistory);
  const auto dataset = OpenGolden(store);
  const std::string path = dataset->fragment(0).files[0].path;
  store->Truncate(50, /*noticed=*/true, path);
  auto found = Collect(FullPlan(dataset));
  EXPECT_EQ(GetErrorKind(found.status()), ErrorKind::kCorruptData) << found.status();
  EXPECT_NE(found.status().ToString().find(path), std::string::npos) << found.status();
}

TEST(ScanStream, ErrorsOfFilterAndFinishSurface) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  ScanPlan plan = FullPlan(dataset);
  plan.filter = Divisible(dataset, 1);
  plan.filter->select = [](const arrow::RecordBatch&) -> arrow::Result<std::vector<uint32_t>> {
    return MakeError(ErrorKind::kInvalidArgument, "no such rows");
  };
  EXPECT_EQ(GetErrorKind(Collect(std::move(plan)).status()), ErrorKind::kInvalidArgument);
  plan = FullPlan(dataset);
  plan.finish = [](std::shared_ptr<arrow::RecordBatch>)
      -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
    return MakeError(ErrorKind::kInvalidArgument, "no such value");
  };
  EXPECT_EQ(GetErrorKind(Collect(std::move(plan)).status()), ErrorKind::kInvalidArgument);
}

TEST(ScanStream, MemoryThatRunsOutOnAWorkerIsAnError) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  ScanPlan plan = FullPlan(dataset);
  plan.filter = Divisible(dataset, 1);
  plan.filter->select = [](const arrow::RecordBatch&) -> arrow::Result<std::vector<uint32_t>> {
    throw std::bad_alloc();
  };
  EXPECT_TRUE(Collect(std::move(plan)).status().IsOutOfMemory());
}

TEST(ScanStream, CountingCanBeCancelledWhileItWaits) {
  auto store = FaultyStore(kHistory);
  ScanPlan plan = FullPlan(OpenGolden(store));
  plan.filter = Divisible(plan.dataset, 1);
  plan.filter->projection = plan.projection;
  store->Delay(Call::kRead, std::chrono::milliseconds(200));
  CancelScope scope([] { return false; });
  EXPECT_EQ(GetErrorKind(CountMatching(std::move(plan)).status()), ErrorKind::kCancelled);
}

TEST(ScanStream, ManyStreamsAtOnce) {
  const auto dataset = OpenGolden(GoldenStore(kHistory));
  const auto expected = Addresses(kHistory);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      ScanPlan plan = FullPlan(dataset);
      plan.batch_size = 3 + t;
      auto found = Collect(std::move(plan));
      EXPECT_TRUE(found.ok()) << found.status();
      if (found.ok()) {
        EXPECT_EQ(*found, expected);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace pilum::scan
