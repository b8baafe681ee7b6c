#include "scan/column_groups.h"

#include <gtest/gtest.h>

#include <numeric>

#include <arrow/api.h>

#include "database/test_table.h"
#include "io/fault_store.h"
#include "pilum/error.h"
#include "scan/row_locator.h"
#include "scan/take.h"
#include "scan/test_dataset.h"
#include "scan/test_take.h"

namespace pilum::scan {
namespace {

constexpr int64_t kRows = 3000;
constexpr size_t kBytes = 5000;  // of an image

/// A number, a word, an image, tokens, and a number or null.
std::shared_ptr<arrow::RecordBatch> Images() {
  std::mt19937_64 random(3);
  arrow::Int64Builder ids;
  arrow::StringBuilder words;
  arrow::BinaryBuilder images;
  const auto items = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder tokens(arrow::default_memory_pool(), items);
  arrow::Int64Builder some;
  std::string image(kBytes, '\0');
  for (int64_t i = 0; i < kRows; ++i) {
    for (char& byte : image) byte = static_cast<char>(random());
    EXPECT_TRUE(ids.Append(i).ok());
    EXPECT_TRUE(words.Append("word " + std::to_string(random() % 1000)).ok());
    EXPECT_TRUE(images.Append(image).ok());
    EXPECT_TRUE(tokens.Append().ok());
    for (int64_t token = 0; token < i % 5; ++token) EXPECT_TRUE(items->Append(i).ok());
    EXPECT_TRUE((i % 7 == 0 ? some.AppendNull() : some.Append(i)).ok());
  }
  const auto schema =
      arrow::schema({arrow::field("id", arrow::int64()), arrow::field("word", arrow::utf8()),
                     arrow::field("image", arrow::binary()), arrow::field("tokens", tokens.type()),
                     arrow::field("some", arrow::int64())});
  return arrow::RecordBatch::Make(
      schema, kRows,
      {*ids.Finish(), *words.Finish(), *images.Finish(), *tokens.Finish(), *some.Finish()});
}

std::shared_ptr<const Snapshot> ImageTable(const std::string& version = "2.2") {
  return MakeSnapshot(Images(), {.storage_version = version, .max_rows_per_file = 1000});
}

int64_t Windows(const TakeOptions& options) {
  const auto histogram = options.counters->reads.histogram();
  return std::accumulate(histogram.begin(), histogram.end(), int64_t{0});
}

TEST(ColumnGroups, TogetherHaveTheRowsThatTakesHave) {
  const Keys keys = Shuffled(kRows, 3);
  for (const std::string version : {"2.0", "2.1", "2.2"}) {
    const auto snapshot = ImageTable(version);
    for (const auto& names : {std::vector<std::string>{"id", "word", "image", "tokens", "some"},
                              {"image", "id"},
                              {"tokens", "image"},
                              {"some", "image", "word"}}) {
      const Columns columns{.names = names, .with_row_id = true};
      const TakeOptions options{.columns = columns, .readahead_bytes = 4 << 20};
      const auto stream = snapshot->TakeAhead(InTurn(keys), options).ValueOrDie();
      const auto found = stream->ToTable().ValueOrDie();
      const auto expected = snapshot->Take(keys, RowKey::kOffset, columns).ValueOrDie();
      ASSERT_TRUE(found->ValidateFull().ok());
      EXPECT_TRUE(found->schema()->Equals(expected->schema(), /*check_metadata=*/true));
      const auto together = found->CombineChunksToBatch().ValueOrDie();
      EXPECT_TRUE(together->Equals(*expected)) << version << ", " << names[0];
      EXPECT_EQ(options.counters->rows_requested, keys.size());
      EXPECT_EQ(options.counters->rows_read, keys.size());
    }
  }
}

TEST(ColumnGroups, SmallColumnsHaveLongerWindows) {
  const auto snapshot = ImageTable();
  const auto windows = [&](std::vector<std::string> names) {
    const TakeOptions options{.columns = {.names = std::move(names), .with_row_id = true},
                              .readahead_bytes = 2 << 20};
    const auto stream = snapshot->TakeAhead(InTurn(Shuffled(kRows, 3)), options).ValueOrDie();
    const auto batches = static_cast<int64_t>(stream->ToRecordBatches().ValueOrDie().size());
    return std::pair(batches, Windows(options));
  };
  const auto [batches, with_others] = windows({"word", "image", "some"});
  EXPECT_GT(batches, 100);
  EXPECT_GT(with_others, batches + 2);
  EXPECT_LT(with_others, batches + 20);
  const auto [images, alone] = windows({"image"});
  EXPECT_EQ(images, alone);
}

TEST(ColumnGroups, OfSmallRowsNothingIsRead) {
  const auto store = std::make_shared<io::FaultStore>(GoldenStore("mixed-2.2"));
  const auto dataset = OpenGolden(store);
  const ScanPlan all = FullPlan(dataset);
  const int64_t before = store->calls(io::FaultStore::Call::kRead);
  EXPECT_FALSE(SplitBySize({.dataset = dataset, .projection = all.projection}));
  EXPECT_EQ(store->calls(io::FaultStore::Call::kRead), before);
}

TEST(ColumnGroups, ExpressionsAreEvaluatedWhereTheyAreRead) {
  const TakeOptions options{.columns = {.expressions = {{"twice", "id * 2"}, {"image", "image"}}},
                            .readahead_bytes = 2 << 20};
  const auto stream = ImageTable()->TakeAhead(InTurn(Shuffled(kRows)), options).ValueOrDie();
  const auto batches = static_cast<int64_t>(stream->ToRecordBatches().ValueOrDie().size());
  EXPECT_EQ(Windows(options), batches);
}

TEST(ColumnGroups, ReadNoFurtherAheadThanRowsAllow) {
  uint64_t asked = 0;
  const RowKeys keys = [source = InTurn(Shuffled(kRows)), &asked](uint64_t most, Keys* out) {
    ARROW_RETURN_NOT_OK(source(most, out));
    asked += out->size();
    return arrow::Status::OK();
  };
  const auto stream = ImageTable()->TakeAhead(keys, {.readahead_rows = 40}).ValueOrDie();
  uint64_t delivered = 0;
  while (const auto batch = stream->Next().ValueOrDie()) {
    delivered += static_cast<uint64_t>(batch->num_rows());
    EXPECT_LE(asked, delivered + 80);  // with a window of each group taken, and not delivered
  }
  EXPECT_EQ(delivered, uint64_t{kRows});
}

TEST(ColumnGroups, HoldNoMoreThanBytesAllow) {
  constexpr int64_t kReadAhead = 1 << 20;
  const auto snapshot = ImageTable();
  const Keys keys = Shuffled(kRows);
  const TakeOptions options{.readahead_bytes = kReadAhead};
  const auto open = [&] { return snapshot->TakeAhead(InTurn(keys), options).ValueOrDie(); };
  EXPECT_LE(MostHeldBy(open, keys.size()), 3 * kReadAhead);
}

TEST(ColumnGroups, ErrorsComeInTheirTurn) {
  Keys keys = Shuffled(kRows);
  keys.back() = kRows;
  const auto stream = ImageTable()->TakeAhead(InTurn(keys), {.readahead_rows = 40}).ValueOrDie();
  const auto [rows, status] = ReadToError(stream.get());
  EXPECT_TRUE(status.IsIndexError()) << status;
  EXPECT_GE(rows, keys.size() - 40);
  EXPECT_EQ(stream->Next().status(), status);  // and again
}

TEST(ColumnGroups, KeysThatFailAreAnErrorAfterTheRowsBefore) {
  const RowKeys keys = [calls = 0](uint64_t, Keys* out) mutable {
    if (++calls == 1000) return MakeError(ErrorKind::kUnavailable, "no more keys");
    out->push_back(1);
    return arrow::Status::OK();
  };
  const auto stream = ImageTable()->TakeAhead(keys, {}).ValueOrDie();
  int64_t rows = 0;
  auto batch = stream->Next();
  for (; batch.ok(); batch = stream->Next()) rows += (*batch)->num_rows();
  EXPECT_EQ(GetErrorKind(batch.status()), ErrorKind::kUnavailable);
  EXPECT_EQ(rows, 999);
}

TEST(ColumnGroups, EndEarlyWithReadsUnderWay) {
  const auto snapshot = ImageTable();
  for (int i = 0; i < 20; ++i) {
    const auto stream = snapshot->TakeAhead(InTurn(Shuffled(kRows)), {}).ValueOrDie();
    if (i % 2 == 0) ASSERT_TRUE(stream->Next().ok());
    if (i % 4 < 2) {
      stream->WaitNext(std::chrono::seconds(i % 3));
      ASSERT_TRUE(stream->Close().ok());
      EXPECT_EQ(stream->Next().ValueOrDie(), nullptr);
    }
  }
}

}  // namespace
}  // namespace pilum::scan
