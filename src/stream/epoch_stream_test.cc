#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/test_table.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "pilum/stream.h"

namespace pilum::stream {
namespace {

using ::testing::HasSubstr;
using Rows = std::vector<uint64_t>;
using SnapshotPtr = std::shared_ptr<const Snapshot>;

/// Rows 0 to n - 1 in fragments of 100.
SnapshotPtr Counting(int64_t rows) {
  return MakeSnapshot(CountingRows(rows), {.max_rows_per_file = 100});
}

std::shared_ptr<EpochStream> Open(const SnapshotPtr& snapshot, const EpochOptions& options,
                                  const std::optional<EpochProgress>& start = std::nullopt) {
  return OpenEpoch(EpochRows::Find(snapshot).ValueOrDie(), options, start).ValueOrDie();
}

/// Column a of the next batches.
std::vector<Rows> Batches(EpochStream* stream, size_t most = SIZE_MAX) {
  std::vector<Rows> batches;
  while (batches.size() < most) {
    const auto batch = stream->Next().ValueOrDie();
    if (!batch) break;
    batches.push_back(Values(*batch, "a"));
  }
  return batches;
}

Rows Joined(const std::vector<Rows>& batches) {
  Rows rows;
  for (const Rows& batch : batches) rows.insert(rows.end(), batch.begin(), batch.end());
  return rows;
}

Rows All(const SnapshotPtr& snapshot, const EpochOptions& options,
         const std::optional<EpochProgress>& start = std::nullopt) {
  return Joined(Batches(Open(snapshot, options, start).get()));
}

/// What one reader of everything gets: the sequence of the epoch.
Rows Sequence(const SnapshotPtr& snapshot, EpochOptions options) {
  options.reader = {};
  return All(snapshot, options);
}

EpochOptions Shuffled(uint64_t num_splits) {
  return {
      .shuffle = ShuffleOptions{.seed = 5, .epoch = 2}, .num_splits = num_splits, .batch_size = 7};
}

void ExpectInvalid(const SnapshotPtr& snapshot, const EpochOptions& options,
                   const std::string& message,
                   const std::optional<EpochProgress>& start = std::nullopt) {
  const auto stream = OpenEpoch(EpochRows::Find(snapshot).ValueOrDie(), options, start);
  ASSERT_FALSE(stream.ok()) << message;
  EXPECT_EQ(GetErrorKind(stream.status()), ErrorKind::kInvalidArgument);
  EXPECT_THAT(stream.status().message(), HasSubstr(message));
}

TEST(EpochStream, TakesSplitsInTurns) {
  const EpochOptions options{.shuffle = std::nullopt, .num_splits = 4};
  EXPECT_EQ(All(Counting(9), options), (Rows{0, 2, 4, 6, 1, 3, 5, 7}));
  const auto stream = Open(Counting(9), options);
  EXPECT_EQ(stream->num_samples(), 8u);
  EXPECT_EQ(stream->surplus(), 1u);
}

TEST(EpochStream, DeliversEveryRowOnce) {
  Rows rows = All(Counting(1000), Shuffled(4));
  EXPECT_FALSE(std::is_sorted(rows.begin(), rows.end()));
  std::sort(rows.begin(), rows.end());
  EXPECT_EQ(rows, All(Counting(1000), {.shuffle = std::nullopt}));
}

TEST(EpochStream, BatchesAreOfTheSizeAskedForHoweverFarIsReadAhead) {
  const auto snapshot = Counting(1000);
  const Rows rows = All(snapshot, Shuffled(4));
  for (int64_t size : {1, 7, 256, 999, 5000}) {
    for (uint64_t ahead : {0u, 1u, 10u, 300u}) {
      EpochOptions options = Shuffled(4);
      options.batch_size = size;
      options.readahead_rows = ahead;
      const auto batches = Batches(Open(snapshot, options).get());
      EXPECT_EQ(Joined(batches), rows);
      for (size_t i = 0; i + 1 < batches.size(); ++i)
        EXPECT_EQ(batches[i].size(), static_cast<size_t>(size));
    }
  }
}

TEST(EpochStream, BatchesThatNeedNotBeWholeAreNoLongerThanAskedFor) {
  const auto snapshot = Counting(1000);
  const Rows rows = All(snapshot, Shuffled(4));
  EpochOptions options = Shuffled(4);
  options.whole_batches = false;
  options.batch_size = 60;
  options.readahead_rows = 100;  // windows of 25
  const auto batches = Batches(Open(snapshot, options).get());
  EXPECT_EQ(Joined(batches), rows);
  EXPECT_EQ(batches.size(), 40u);
  options.batch_size = 20;
  const auto cut = Batches(Open(snapshot, options).get());
  EXPECT_EQ(Joined(cut), rows);
  EXPECT_TRUE(std::all_of(cut.begin(), cut.end(), [](const Rows& b) { return b.size() <= 20; }));
}

TEST(EpochStream, ReadersShareTheSameGlobalBatches) {
  const auto snapshot = Counting(500);
  constexpr size_t kGlobalBatch = 36;
  const Rows rows = Sequence(snapshot, Shuffled(12));
  for (uint64_t world_size : {1u, 2u, 3u, 4u, 6u, 12u}) {
    std::vector<std::vector<Rows>> of_ranks;
    for (uint64_t rank = 0; rank < world_size; ++rank) {
      EpochOptions options = Shuffled(12);
      options.reader = {rank, world_size};
      options.batch_size = static_cast<int64_t>(kGlobalBatch / world_size);
      of_ranks.push_back(Batches(Open(snapshot, options).get()));
    }
    for (size_t i = 0; i < of_ranks[0].size(); ++i) {
      std::set<uint64_t> batch;
      for (const auto& batches : of_ranks) batch.insert(batches[i].begin(), batches[i].end());
      const auto first = rows.begin() + static_cast<long>(i * kGlobalBatch);
      const auto last =
          rows.begin() + static_cast<long>(std::min(rows.size(), (i + 1) * kGlobalBatch));
      EXPECT_EQ(batch, std::set<uint64_t>(first, last)) << "batch " << i << " of " << world_size;
    }
  }
}

TEST(EpochStream, GoesOnWhereItWas) {
  const auto snapshot = Counting(200);
  for (uint64_t world_size : {1u, 2u}) {
    EpochOptions options = Shuffled(6);
    options.reader = {world_size - 1, world_size};
    const Rows rows = All(snapshot, options);
    for (size_t stop = 0;; ++stop) {
      const auto stream = Open(snapshot, options);
      Rows found = Joined(Batches(stream.get(), stop));
      const bool whole = found.size() == rows.size();
      const Rows rest = All(snapshot, options, stream->progress());
      found.insert(found.end(), rest.begin(), rest.end());
      EXPECT_EQ(found, rows) << "after " << stop << " batches";
      if (whole) break;
    }
  }
}

TEST(EpochStream, GoesOnWithAnyNumberOfReaders) {
  const auto snapshot = Counting(500);
  const Rows rows = Sequence(snapshot, Shuffled(12));
  for (uint64_t before : {1u, 2u, 4u}) {
    for (size_t steps : {0u, 1u, 3u}) {
      // Batches of 12 rows together, of which any one reader knows where they ended.
      EpochOptions options = Shuffled(12);
      options.reader = {before - 1, before};
      options.batch_size = static_cast<int64_t>(12 / before);
      const auto stream = Open(snapshot, options);
      Batches(stream.get(), steps);
      std::set<uint64_t> rest;
      for (uint64_t after : {1u, 3u, 12u}) {
        rest.clear();
        for (uint64_t rank = 0; rank < after; ++rank) {
          options.reader = {rank, after};
          const Rows own = All(snapshot, options, stream->progress());
          rest.insert(own.begin(), own.end());
        }
        EXPECT_EQ(rest,
                  std::set<uint64_t>(rows.begin() + static_cast<long>(12 * steps), rows.end()));
      }
    }
  }
}

TEST(EpochStream, HasTheRowsThatAFilterKeeps) {
  const std::vector<std::string> filter = {"a >= 100", "b = 1"};
  const auto chosen = EpochRows::Find(Counting(1000), filter).ValueOrDie();
  EXPECT_EQ(chosen.size(), 300u);
  const auto stream = OpenEpoch(chosen, Shuffled(4)).ValueOrDie();
  EXPECT_EQ(stream->num_samples(), 300u);
  Rows rows = Joined(Batches(stream.get()));
  EXPECT_FALSE(std::is_sorted(rows.begin(), rows.end()));
  std::sort(rows.begin(), rows.end());
  Rows expected;
  for (uint64_t a = 100; a < 1000; a += 3) expected.push_back(a);
  EXPECT_EQ(rows, expected);

  const auto table = MakeTable(CountingRows(1000), {.max_rows_per_file = 100});
  ASSERT_TRUE(table->Delete("a < 500").ok());
  const auto rest = EpochRows::Find(table->Latest().ValueOrDie(), filter).ValueOrDie();
  rows = Joined(Batches(OpenEpoch(rest, Shuffled(4)).ValueOrDie().get()));
  EXPECT_EQ(rows.size(), 164u);  // of 167, in four splits of 41
  EXPECT_EQ(std::set<uint64_t>(rows.begin(), rows.end()).size(), rows.size());
  EXPECT_TRUE(
      std::all_of(rows.begin(), rows.end(), [](uint64_t a) { return a >= 500 && a % 3 == 1; }));

  const auto few = EpochRows::Find(Counting(1000), {"a < 3"}).ValueOrDie();
  EXPECT_THAT(OpenEpoch(few, Shuffled(4)).status().message(),
              HasSubstr("3 rows cannot make 4 splits"));
  EXPECT_THAT(EpochRows::Find(Counting(1000), {"aa < 3"}).status().message(), HasSubstr("aa"));
}

TEST(EpochStream, ProgressLeavesOutWhatWasNotUsed) {
  const auto snapshot = Counting(200);
  EpochOptions options = Shuffled(6);
  options.reader = {1, 2};
  const Rows rows = All(snapshot, options);
  const auto stream = Open(snapshot, options);
  for (size_t delivered = 0; delivered < rows.size();) {
    const size_t size = Batches(stream.get(), 1)[0].size();
    delivered += size;
    for (size_t unused = 0; unused <= size; ++unused) {
      const Rows rest = All(snapshot, options, stream->progress(unused));
      const auto used = rows.begin() + static_cast<long>(delivered - unused);
      EXPECT_EQ(rest, Rows(used, rows.end())) << delivered << " rows, of which unused: " << unused;
    }
  }
}

/// Of each batch: its split, the place of its first row, and column a.
using Blocks = std::vector<std::tuple<uint64_t, uint64_t, Rows>>;

Blocks AllBlocks(const SnapshotPtr& snapshot, const EpochOptions& options,
                 const std::optional<EpochProgress>& start = std::nullopt) {
  const auto stream =
      OpenSplits(EpochRows::Find(snapshot).ValueOrDie(), options, start).ValueOrDie();
  Blocks blocks;
  while (const auto batch = stream->Next().ValueOrDie())
    blocks.emplace_back(stream->split(), stream->place(), Values(*batch, "a"));
  return blocks;
}

TEST(SplitStream, BatchesAreOfOneSplitEach) {
  const EpochOptions options{.shuffle = std::nullopt, .num_splits = 2, .batch_size = 2};
  EXPECT_EQ(AllBlocks(Counting(7), options),
            (Blocks{{0, 0, {0, 1}}, {1, 0, {3, 4}}, {0, 2, {2}}, {1, 2, {5}}}));
}

TEST(SplitStream, BatchesAreTheSameForEveryWorldSizeAndReadAhead) {
  const auto snapshot = Counting(500);
  EpochOptions options = Shuffled(12);
  Blocks alone = AllBlocks(snapshot, options);
  for (uint64_t ahead : {0u, 1u, 5u, 30u}) {
    Blocks together;
    for (uint64_t rank = 0; rank < 3; ++rank) {
      options.readahead_rows = ahead;
      options.reader = {rank, 3};
      for (auto& block : AllBlocks(snapshot, options)) together.push_back(std::move(block));
    }
    std::sort(together.begin(), together.end());
    std::sort(alone.begin(), alone.end());
    EXPECT_EQ(together, alone);
  }
}

TEST(SplitStream, ResumedItBeginsWithTheBatchesOfTheNextRows) {
  const auto snapshot = Counting(40);
  EpochOptions options = Shuffled(2);  // of 20 rows, in batches of 7
  const Blocks whole = AllBlocks(snapshot, options);
  EXPECT_EQ(AllBlocks(snapshot, options, EpochProgress{{6, 6}, {6, 6}}), whole);
  EXPECT_EQ(AllBlocks(snapshot, options, EpochProgress{{7, 7}, {7, 7}}),
            Blocks(whole.begin() + 2, whole.end()));
  // What lags is first.
  EXPECT_EQ(AllBlocks(snapshot, options, EpochProgress{{14, 3}, {14, 3}}),
            (Blocks{whole[1], whole[3], whole[4], whole[5]}));
  EXPECT_TRUE(AllBlocks(snapshot, options, EpochProgress::After(40, 2)).empty());
}

TEST(EpochStream, DealtBatchesAreTogetherThoseOfOneConsumer) {
  const auto snapshot = Counting(500);
  EpochOptions options = Shuffled(6);
  options.reader = {1, 2};  // 249 rows, 35 batches of 7 and one of 4
  const EpochProgress start{{3, 5, 3, 2, 3, 5}, {3, 5, 3, 2, 3, 5}};
  const auto whole = Batches(Open(snapshot, options, start).get());
  for (uint64_t count : {1u, 2u, 3u, 5u, 50u}) {
    for (uint64_t ahead : {0u, 1u, 10u}) {
      options.readahead_rows = ahead;
      for (uint64_t index = 0; index < count; ++index) {
        options.deal = {index, count};
        const auto stream = Open(snapshot, options, start);
        for (size_t number = index; number < whole.size(); number += count) {
          EXPECT_EQ(Batches(stream.get(), 1), std::vector<Rows>{whole[number]});
          EpochOptions rest = options;
          rest.deal = {};
          EXPECT_EQ(Batches(Open(snapshot, rest, stream->progress()).get()),
                    std::vector<Rows>(whole.begin() + static_cast<long>(number) + 1, whole.end()));
        }
        EXPECT_TRUE(Batches(stream.get()).empty());
      }
    }
  }
  options.deal = {2, 2};
  ExpectInvalid(snapshot, options, "the deal has index 2 of 2");
  options.deal = {1, 2};
  options.whole_batches = false;
  ExpectInvalid(snapshot, options, "batches need not be whole");
}

TEST(EpochStream, BatchesThatWereReadTogetherComeAsOne) {
  const auto snapshot = Counting(500);
  EpochOptions options = Shuffled(6);
  options.reader = {1, 2};
  const Rows rows = All(snapshot, options);
  for (const Deal& deal : {Deal{0, 1}, Deal{1, 3}}) {
    options.deal = deal;
    options.batches_at_once = 1;
    const auto single = Batches(Open(snapshot, options).get());
    options.batches_at_once = 4;
    const auto stream = Open(snapshot, options);
    size_t batches = 0;
    size_t used = 0;  // of the rows of all deals
    while (true) {
      const auto together = Batches(stream.get(), 1);
      if (together.empty()) break;
      const auto first = single.begin() + static_cast<long>(batches);
      const size_t count = (together[0].size() + 6) / 7;
      EXPECT_LE(count, 4u);
      EXPECT_EQ(together[0], Joined({first, first + static_cast<long>(count)}));
      EpochOptions all = options;
      all.deal = {};
      for (size_t own = 0; own <= together[0].size(); ++own) {
        // Behind the last row that was used, which others' batches are before.
        if (own > 0)
          used = (deal.index + (batches + (own - 1) / 7) * deal.count) * 7 + (own - 1) % 7 + 1;
        EXPECT_EQ(All(snapshot, all, stream->progress(together[0].size() - own)),
                  Rows(rows.begin() + static_cast<long>(used), rows.end()));
      }
      batches += count;
    }
    EXPECT_EQ(batches, single.size());
  }
  options.batches_at_once = 0;
  ExpectInvalid(snapshot, options, "batches_at_once must be at least 1, not 0");
}

TEST(EpochStream, CountsWhatItReads) {
  EpochOptions options = Shuffled(4);
  const auto stream = Open(Counting(1000), options);
  EXPECT_EQ(Joined(Batches(stream.get())).size(), 1000u);
  EXPECT_EQ(options.counters->rows_requested, 1000u);
  EXPECT_EQ(options.counters->rows_read, 1000u);
  EXPECT_GE(options.counters->bytes_read, 1000 * 8u);
  EXPECT_GT(options.counters->read_ns, 0u);
}

TEST(EpochStream, EndStaysTheEnd) {
  const auto snapshot = Counting(20);
  const auto stream = Open(snapshot, Shuffled(2));
  EXPECT_EQ(Joined(Batches(stream.get())).size(), 20u);
  EXPECT_EQ(stream->Next().ValueOrDie(), nullptr);
  EXPECT_EQ(stream->progress(), EpochProgress::After(20, 2));
  EXPECT_TRUE(All(snapshot, Shuffled(2), stream->progress()).empty());
}

TEST(EpochStream, HasTheColumnsAskedFor) {
  EpochOptions options = Shuffled(1);
  options.columns = {.names = {{"b"}}, .with_row_id = true};
  const auto stream = Open(Counting(20), options);
  EXPECT_THAT(stream->schema()->field_names(), testing::ElementsAre("b", "_rowid"));
  EXPECT_EQ(*stream->Next().ValueOrDie()->schema(), *stream->schema());
}

/// Three columns of values that do not compress, on disk.
class LargeTableTest : public ::testing::Test {
 protected:
  static constexpr int64_t kRows = 4 << 20;
  static constexpr int64_t kTableBytes = kRows * 3 * 8;

  void SetUp() override {
    std::string folder = ::testing::TempDir() + "pilum_epoch_stream_XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::mt19937_64 random(3);
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (const char* name : {"a", "b", "c"}) {
      arrow::UInt64Builder builder;
      ASSERT_TRUE(builder.Reserve(kRows).ok());
      for (int64_t i = 0; i < kRows; ++i) builder.UnsafeAppend(random());
      columns.push_back(builder.Finish().ValueOrDie());
      fields.push_back(arrow::field(name, arrow::uint64()));
    }
    rows_ = arrow::RecordBatch::Make(arrow::schema(fields), kRows, columns);
    auto reader = arrow::RecordBatchReader::Make({rows_}).ValueOrDie();
    auto database = Connect(folder_).ValueOrDie();
    auto table = database->CreateTable("large", reader.get()).ValueOrDie();
    snapshot_ = table->Latest().ValueOrDie();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::shared_ptr<arrow::RecordBatch> rows_;
  SnapshotPtr snapshot_;
};

TEST_F(LargeTableTest, MemoryIsBoundedHoweverFarApartTheRowsAre) {
  constexpr int64_t kReadAhead = 8 << 20;
  const EpochOptions options{.shuffle = ShuffleOptions{.seed = 9},
                             .num_splits = 8,
                             .batch_size = 4096,
                             .readahead_bytes = kReadAhead};
  const auto order = RowOrder::Shuffled(kRows, *options.shuffle).ValueOrDie();
  const int64_t before = GetMemoryPool()->bytes_allocated();
  int64_t peak = 0;
  const auto stream = Open(snapshot_, options);
  uint64_t sample = 0;
  for (int batches = 0; batches < 300; ++batches) {
    const auto batch = stream->Next().ValueOrDie();
    peak = std::max(peak, GetMemoryPool()->bytes_allocated() - before);
    for (int column = 0; column < 3; ++column) {
      const auto* stored = rows_->column_data(column)->GetValues<uint64_t>(1);
      const auto* found = batch->column_data(column)->GetValues<uint64_t>(1);
      for (int64_t i = 0; i < batch->num_rows(); ++i) {
        const uint64_t at = sample + static_cast<uint64_t>(i);
        const uint64_t row = order.RowAt(at % 8 * (kRows / 8) + at / 8);
        ASSERT_EQ(found[i], stored[row]) << "sample " << at;
      }
    }
    sample += static_cast<uint64_t>(batch->num_rows());
  }
  // What is ahead, and of each of four windows a piece of what it is read from, which as a whole is
  // nearly all of the table.
  EXPECT_LE(peak, kReadAhead + 4 * (10 << 20));
  EXPECT_LT(peak, kTableBytes / 2);
}

TEST(EpochStream, RefusesWhatItCannotDo) {
  const auto snapshot = Counting(20);
  ExpectInvalid(snapshot, {.num_splits = 21}, "at least 1 row per split");
  ExpectInvalid(snapshot, {.num_splits = 0}, "num_splits must be at least 1");
  ExpectInvalid(snapshot, {.num_splits = 10, .reader = {0, 4}},
                "num_splits (10) must be divisible by world_size (4)");
  ExpectInvalid(snapshot, {.num_splits = 4, .reader = {4, 4}}, "rank (4)");
  ExpectInvalid(snapshot, {.batch_size = 0}, "batch_size must be at least 1, not 0");
  ExpectInvalid(snapshot, {.columns = {.names = {{"c"}}}}, "c");
  ExpectInvalid(snapshot, {.num_splits = 2}, "num_splits mismatch", EpochProgress::After(0, 3));
  ExpectInvalid(snapshot, {.num_splits = 2}, "it has 10 rows", EpochProgress::After(22, 2));
}

}  // namespace
}  // namespace pilum::stream
