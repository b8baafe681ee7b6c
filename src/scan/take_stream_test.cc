#include "scan/take_stream.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <random>
#include <thread>

#include <arrow/api.h>

#include "database/test_table.h"
#include "io/fault_store.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/busy_cpus.h"
#include "scan/row_locator.h"
#include "scan/take.h"
#include "scan/test_dataset.h"
#include "scan/test_take.h"
#include "scan/window_pieces.h"

namespace pilum::scan {
namespace {

using Call = io::FaultStore::Call;

/// All columns of the rows with these keys.
TakePlan Plan(const std::shared_ptr<const DatasetReader>& dataset, Keys keys) {
  const ScanPlan all = FullPlan(dataset);
  TakePlan plan;
  plan.dataset = dataset;
  plan.projection = all.projection;
  plan.schema = all.schema;
  plan.readahead_bytes = 8 << 20;
  plan.keys = InTurn(std::move(keys));
  return plan;
}

arrow::RecordBatchVector ReadAll(TakePlan plan) {
  return MakeTakeStream(std::move(plan)).ValueOrDie()->ToRecordBatches().ValueOrDie();
}

TEST(TakeStream, HasTheRowsThatTakesHave) {
  for (const char* name : {"history-2.2", "mixed-2.0", "mixed-2.1", "stable-row-ids"}) {
    const auto dataset = OpenGolden(GoldenStore(name));
    const Keys keys = Shuffled(dataset->live_rows(), 3);
    uint64_t first = 0;
    for (const auto& batch : ReadAll(Plan(dataset, keys))) {
      ASSERT_TRUE(batch->ValidateFull().ok());
      const auto rows = static_cast<size_t>(batch->num_rows());
      const auto expected = TakeRows(dataset, FullPlan(dataset).projection,
                                     std::span(keys).subspan(first, rows), RowKey::kOffset);
      EXPECT_TRUE(batch->Equals(**expected, /*check_metadata=*/true,
                                arrow::EqualOptions().nans_equal(true)))
          << name << " from " << first;
      first += rows;
    }
    EXPECT_EQ(first, keys.size());
  }
}

TEST(TakeStream, AConsumerThatWaitsGoesOnAlone) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  const Keys keys = Shuffled(dataset->live_rows(), 3);
  const auto expected = ReadAll(Plan(dataset, keys));
  const runtime::BusyCpus busy;
  const auto batches = ReadAll(Plan(dataset, keys));
  ASSERT_EQ(batches.size(), expected.size());
  for (size_t i = 0; i < batches.size(); ++i)
    EXPECT_TRUE(batches[i]->Equals(*expected[i], true, arrow::EqualOptions().nans_equal(true)));
}

// It looks whether a batch is there, and does not make one.
TEST(TakeStream, APollDoesNoWork) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  const runtime::BusyCpus busy;
  const auto stream = MakeTakeStream(Plan(dataset, Shuffled(100))).ValueOrDie();
  EXPECT_FALSE(stream->WaitNext(std::chrono::milliseconds(0)));
  EXPECT_TRUE(stream->WaitNext(std::chrono::seconds(5)));
}

TEST(WindowPieces, AreTheRowsTogether) {
  for (const char* name : {"history-2.2", "mixed-2.0", "mixed-2.1", "stable-row-ids"}) {
    const auto dataset = OpenGolden(GoldenStore(name));
    const auto projection = FullPlan(dataset).projection;
    for (uint64_t times : {1, 3}) {
      const Keys keys = Shuffled(dataset->live_rows(), times);
      const auto expected = TakeRows(dataset, projection, keys, RowKey::kOffset).ValueOrDie();
      for (int64_t count : {1, 2, 7, 100000}) {
        WindowPieces pieces(SelectRows(*dataset, keys, RowKey::kOffset).ValueOrDie(), count);
        arrow::RecordBatchVector read;
        while (!pieces.empty()) {
          auto piece = BatchRead::Make(dataset, projection, pieces.Next()).ValueOrDie();
          read.push_back(piece->Run().ValueOrDie());
          ASSERT_TRUE(read.back()->ValidateFull().ok());
        }
        EXPECT_LE(read.size(), static_cast<size_t>(count));
        EXPECT_EQ(read.size() > 1, count > 1);
        const auto joined = pieces.Join(std::move(read)).ValueOrDie();
        ASSERT_TRUE(joined->ValidateFull().ok());
        EXPECT_TRUE(joined->Equals(*expected, true, arrow::EqualOptions().nans_equal(true)))
            << name << " in " << count;
      }
    }
  }
}

TEST(TakeStream, FirstRowsWaitForNoOthers) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  const auto batches = ReadAll(Plan(dataset, Shuffled(dataset->live_rows(), 30)));
  EXPECT_EQ(batches.front()->num_rows(), 256);
  EXPECT_GT(batches[1]->num_rows(), 256);
}

TEST(TakeStream, OfNoKeysIsEmpty) {
  EXPECT_TRUE(ReadAll(Plan(OpenGolden(GoldenStore("history-2.2")), {})).empty());
}

TEST(TakeStream, ReadsNoFurtherAheadThanRowsAllow) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  TakePlan plan = Plan(dataset, Shuffled(dataset->live_rows(), 10));
  plan.readahead_rows = 40;
  uint64_t asked = 0;
  plan.keys = [keys = plan.keys, &asked](uint64_t most, Keys* out) {
    ARROW_RETURN_NOT_OK(keys(most, out));
    asked += out->size();
    return arrow::Status::OK();
  };
  auto stream = MakeTakeStream(std::move(plan)).ValueOrDie();
  uint64_t delivered = 0;
  while (true) {
    EXPECT_LE(asked, delivered + 40);
    const auto batch = stream->Next().ValueOrDie();
    if (!batch) break;
    delivered += static_cast<uint64_t>(batch->num_rows());
  }
  EXPECT_EQ(delivered, 10 * dataset->live_rows());
}

TEST(TakeStream, ReadsNoFurtherAheadThanBytesAllow) {
  constexpr int64_t kReadAhead = 1 << 20;
  auto store = std::make_shared<io::FaultStore>(GoldenStore("mixed-2.2"));
  const auto dataset = OpenGolden(store);
  TakePlan plan = Plan(dataset, Shuffled(dataset->live_rows(), 300));
  plan.readahead_bytes = kReadAhead;
  const int64_t peak = MostHeldBy([&] { return MakeTakeStream(std::move(plan)).ValueOrDie(); },
                                  300 * dataset->live_rows());
  EXPECT_GT(peak, kReadAhead / 8);
  EXPECT_LE(peak,
            3 * kReadAhead);  // the batch in hand, what is ahead, and what that is decoded from
}

struct Rows {
  int64_t count;
  size_t bytes;  ///< of each
};

arrow::Status Append(size_t bytes, std::mt19937_64* random, arrow::ArrayBuilder* builder) {
  if (builder->type()->id() != arrow::Type::LIST) {
    std::string value(bytes, '\0');
    for (char& c : value) c = static_cast<char>((*random)());
    return static_cast<arrow::LargeBinaryBuilder&>(*builder).Append(value);
  }
  auto& lists = static_cast<arrow::ListBuilder&>(*builder);
  ARROW_RETURN_NOT_OK(lists.Append());
  for (size_t i = 0; i < bytes; i += sizeof(int64_t)) {
    const auto item = static_cast<int64_t>((*random)());
    ARROW_RETURN_NOT_OK(static_cast<arrow::Int64Builder&>(*lists.value_builder()).Append(item));
  }
  return arrow::Status::OK();
}

/// Of one column, large_binary or lists of int64.
std::shared_ptr<arrow::RecordBatch> BatchOf(const std::shared_ptr<arrow::Field>& field,
                                            const std::vector<Rows>& parts) {
  std::mt19937_64 random(7);
  const auto builder = arrow::MakeBuilder(field->type()).ValueOrDie();
  for (const Rows& rows : parts) {
    for (int64_t i = 0; i < rows.count; ++i)
      EXPECT_TRUE(Append(rows.bytes, &random, builder.get()).ok());
  }
  const auto values = builder->Finish().ValueOrDie();
  return arrow::RecordBatch::Make(arrow::schema({field}), values->length(), {values});
}

int64_t MostHeld(const Snapshot& snapshot, const Keys& keys, uint64_t readahead_bytes) {
  TakeOptions options;
  options.readahead_bytes = readahead_bytes;
  return MostHeldBy([&] { return snapshot.TakeAhead(InTurn(keys), options).ValueOrDie(); },
                    keys.size());
}

TEST(TakeStream, HoldsNoMoreWhereRowsGetLarger) {
  constexpr uint64_t kReadAhead = 1 << 20;
  const auto blobs = arrow::key_value_metadata({"lance-encoding:blob"}, {"true"});
  const auto value = arrow::field("x", arrow::large_binary());
  const auto list = arrow::field("x", arrow::list(arrow::int64()));
  for (const std::string version : {"2.0", "2.1", "2.2"}) {
    for (const auto& field : {value, value->WithMetadata(blobs), list}) {
      if (version == "2.2" && field->HasMetadata()) continue;  // blobs of another type
      const auto snapshot = MakeSnapshot(BatchOf(field, {{4000, 50}, {100, 100000}, {4000, 50}}),
                                         {.storage_version = version, .page_bytes = 1 << 20});
      Keys keys(8100);
      std::iota(keys.begin(), keys.end(), 0);
      EXPECT_LE(MostHeld(*snapshot, keys, kReadAhead), int64_t{4 * kReadAhead})
          << version << " " << field->ToString(true);
      std::shuffle(keys.begin(), keys.end(), std::mt19937_64(7));
      EXPECT_LE(MostHeld(*snapshot, keys, kReadAhead), int64_t{4 * kReadAhead})
          << version << " " << field->ToString(true) << " shuffled";
    }
  }
}

TEST(TakeStream, ReadsNothingOfAWindowTwice) {
  constexpr uint64_t kBytes = 120 * 40000;
  const auto batch = BatchOf(arrow::field("x", arrow::large_binary()), {{120, 40000}});
  for (const std::string version : {"2.0", "2.1", "2.2"}) {
    const std::string folder = testing::TempDir() + "take_stream_test_" + version;
    std::filesystem::remove_all(folder);
    const auto rows = arrow::RecordBatchReader::Make({batch}).ValueOrDie();
    const auto table = CreateTableAt(folder, rows.get(), {.storage_version = version}).ValueOrDie();
    const auto snapshot = table->Latest().ValueOrDie();
    for (uint64_t times : {1, 2}) {
      TakeOptions options;
      options.readahead_bytes = 128 << 20;  // all rows are one window
      const auto stream = snapshot->TakeAhead(InTurn(Shuffled(120, times)), options).ValueOrDie();
      EXPECT_EQ(stream->ToRecordBatches().ValueOrDie().size(), 1u);
      EXPECT_GE(options.counters->store_bytes, kBytes);
      EXPECT_LE(options.counters->store_bytes, kBytes + kBytes / 100) << version << ", " << times;
    }
    std::filesystem::remove_all(folder);
  }
}

TEST(TakeStream, ReadsCompressedChunksThatItKeepsNoMore) {
  constexpr uint64_t kRows = 5000;
  arrow::StringBuilder words;
  for (uint64_t row = 0; row < kRows; ++row)
    ASSERT_TRUE(words.Append("word " + std::to_string(row * row)).ok());
  const auto zstd = arrow::KeyValueMetadata::Make({"lance-encoding:compression"}, {"zstd"});
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("x", arrow::utf8(), true, zstd)}), kRows, {*words.Finish()});
  const std::string folder = testing::TempDir() + "take_stream_test_zstd";
  std::filesystem::remove_all(folder);
  const auto rows = arrow::RecordBatchReader::Make({batch}).ValueOrDie();
  const auto snapshot = CreateTableAt(folder, rows.get(), {}).ValueOrDie()->Latest().ValueOrDie();
  const auto store_bytes = [&](const Keys& keys, uint64_t readahead_rows) {
    const TakeOptions options{.readahead_rows = readahead_rows};
    const auto stream = snapshot->TakeAhead(InTurn(keys), options).ValueOrDie();
    const auto found = stream->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
    EXPECT_TRUE(found->Equals(**snapshot->Take(keys, RowKey::kOffset, {})));
    return options.counters->store_bytes.load();
  };
  Keys in_order(kRows);
  std::iota(in_order.begin(), in_order.end(), 0);
  for (int epoch = 0; epoch < 3; ++epoch) EXPECT_GT(store_bytes(in_order, 5 * kRows), 0u);
  EXPECT_GT(store_bytes(Shuffled(kRows), 200), 0u);
  EXPECT_EQ(store_bytes(Shuffled(kRows), 200), 0u);
  std::filesystem::remove_all(folder);
}

TEST(TakeStream, WindowsOfLargeRowsAreShortWhileNothingIsWaitedFor) {
  const std::string folder = testing::TempDir() + "take_stream_test_near";
  std::filesystem::remove_all(folder);
  const auto rows = arrow::RecordBatchReader::Make(
                        {BatchOf(arrow::field("x", arrow::large_binary()), {{2000, 8000}})})
                        .ValueOrDie();
  ASSERT_TRUE(CreateTableAt(folder, rows.get(), {}).ok());
  const auto late_rows = [](std::shared_ptr<ObjectStore> store, uint64_t together) {
    TakePlan plan = Plan(OpenGolden(std::move(store)), Shuffled(2000, 8));
    plan.readahead_bytes = 64 << 20;
    plan.rows_together = together;
    const auto batches = ReadAll(std::move(plan));
    return batches[batches.size() - 2]->num_rows();
  };
  const auto local = OpenLocalStore(folder).ValueOrDie();
  const auto file = local->Open(local->List("data").ValueOrDie().at(0).path).ValueOrDie();
  std::byte byte;
  if (!file->ReadNow(0, {}, {&byte, 1}))
    GTEST_SKIP() << "this file system cannot tell what it has in memory";
  EXPECT_NEAR(late_rows(local, 1), (2 << 20) / 8000, 5);
  EXPECT_EQ(late_rows(local, 500), 500);
  EXPECT_GT(late_rows(std::make_shared<io::FaultStore>(local), 1), 900);
  std::filesystem::remove_all(folder);
}

TEST(TakeStream, ASingleRowMayBeMoreThanTheBytesAllow) {
  const auto dataset = OpenGolden(GoldenStore("mixed-2.2"));
  TakePlan plan = Plan(dataset, Shuffled(dataset->live_rows()));
  plan.readahead_bytes = 1;
  const auto batches = ReadAll(std::move(plan));
  EXPECT_EQ(batches.size(), dataset->live_rows());
}

TEST(TakeStream, ErrorsComeInTheirTurn) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  Keys keys = Shuffled(dataset->live_rows(), 10);
  keys[keys.size() - 1] = dataset->live_rows();
  TakePlan plan = Plan(dataset, keys);
  plan.readahead_rows = 40;
  auto stream = MakeTakeStream(std::move(plan)).ValueOrDie();
  const auto [rows, status] = ReadToError(stream.get());
  EXPECT_TRUE(status.IsIndexError()) << status;
  EXPECT_EQ(GetErrorDetail(status)->where().version, dataset->manifest().version);
  EXPECT_GE(rows, keys.size() - 40);
  EXPECT_EQ(stream->Next().status(), status);  // and again
}

TEST(TakeStream, KeysThatFailAreAnErrorAfterTheRowsBefore) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  TakePlan plan = Plan(dataset, {});
  plan.keys = [calls = 0](uint64_t, Keys* out) mutable {
    if (++calls == 3) return MakeError(ErrorKind::kUnavailable, "no more keys");
    out->push_back(1);
    return arrow::Status::OK();
  };
  auto stream = MakeTakeStream(std::move(plan)).ValueOrDie();
  EXPECT_EQ(stream->Next().ValueOrDie()->num_rows(), 1);
  EXPECT_EQ(stream->Next().ValueOrDie()->num_rows(), 1);
  EXPECT_EQ(GetErrorKind(stream->Next().status()), ErrorKind::kUnavailable);
}

TEST(TakeStream, EveryFailedReadSurfaces) {
  bool failed = true;
  for (int64_t skip = 0; failed; ++skip) {
    auto store = std::make_shared<io::FaultStore>(GoldenStore("history-2.2"));
    const auto dataset = OpenGolden(store);
    const int64_t before = store->calls(Call::kRead);
    store->Fail(Call::kRead, ErrorKind::kPermission, {.skip = skip});
    auto stream = MakeTakeStream(Plan(dataset, Shuffled(dataset->live_rows()))).ValueOrDie();
    const auto found = stream->ToRecordBatches();
    failed = !found.ok();
    EXPECT_EQ(failed, skip < store->calls(Call::kRead) - before);
    if (failed) {
      EXPECT_EQ(GetErrorKind(found.status()), ErrorKind::kPermission) << found.status();
    }
  }
}

TEST(TakeStream, CountsWhatItReads) {
  auto store = std::make_shared<io::FaultStore>(GoldenStore("history-2.2"));
  const auto dataset = OpenGolden(store);
  ReadAll(Plan(dataset, Shuffled(dataset->live_rows())));  // footers
  const int64_t reads = store->calls(Call::kRead);
  const int64_t bytes = store->bytes_read();
  TakePlan plan = Plan(dataset, Shuffled(dataset->live_rows(), 3));
  const auto counters = plan.counters;
  EXPECT_EQ(counters->reads.busy_ns(), 0u);
  const auto batches = ReadAll(std::move(plan));
  EXPECT_EQ(counters->rows_requested, 3 * dataset->live_rows());
  EXPECT_EQ(counters->rows_read, 3 * dataset->live_rows());
  EXPECT_EQ(counters->store_reads, static_cast<uint64_t>(store->calls(Call::kRead) - reads));
  EXPECT_EQ(counters->store_bytes, static_cast<uint64_t>(store->bytes_read() - bytes));
  EXPECT_GT(counters->wanted_bytes, 0u);
  const auto histogram = counters->reads.histogram();
  EXPECT_EQ(std::accumulate(histogram.begin(), histogram.end(), uint64_t{0}), batches.size());
  EXPECT_GT(counters->reads.busy_ns(), 0u);
  EXPECT_LE(counters->reads.busy_ns(), counters->read_ns);
  EXPECT_EQ(counters->reads.busy_ns(), counters->reads.busy_ns());  // nothing is under way
}

TEST(BusyTime, CountsDurationsByTheirLength) {
  BusyTime time;
  const std::vector<std::pair<int64_t, size_t>> durations = {
      {0, 0}, {999, 0}, {1000, 0}, {1400, 0}, {1999, 1}, {2000, 2}, {1024'000, 20}, {1L << 62, 63}};
  for (const auto& [taken, bucket] : durations) {
    const auto before = time.histogram()[bucket];
    time.Begin();
    time.End(std::chrono::nanoseconds(taken));
    EXPECT_EQ(time.histogram()[bucket], before + 1) << taken;
  }
}

TEST(TakeStream, EndsEarlyWithReadsUnderWay) {
  for (int i = 0; i < 20; ++i) {
    auto store = std::make_shared<io::FaultStore>(GoldenStore("history-2.2"));
    const auto dataset = OpenGolden(store);
    store->Delay(Call::kRead, std::chrono::milliseconds(2));
    auto stream = MakeTakeStream(Plan(dataset, Shuffled(dataset->live_rows()))).ValueOrDie();
    if (i % 2 == 0) {
      ASSERT_TRUE(stream->Next().ok());
    }
  }
}

}  // namespace
}  // namespace pilum::scan
