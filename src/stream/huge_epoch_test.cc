// Streams over a table of 10^9 rows that no file has: its rows are computed when they are asked for.
// Streams know tables by the Snapshot interface alone, so they come from any that implements it.
#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <vector>

#include <arrow/array/builder_nested.h>
#include <arrow/array/builder_primitive.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/test_table.h"
#include "pilum/error.h"
#include "pilum/lineage.h"
#include "pilum/packing.h"
#include "pilum/stream.h"

namespace pilum::stream {
namespace {

using arrow::Result;
using arrow::Status;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using Rows = std::vector<uint64_t>;

constexpr uint64_t kRows = 1'000'000'000;
constexpr char kEveryThousandth[] = "id % 1000 = 0";
constexpr milliseconds kSlice(1);

Status NotNeeded() { return MakeError(ErrorKind::kUnsupported, "streams are not to need this"); }

/// How reading goes, and what is seen of it.
struct Reading {
  uint64_t window_rows = 256;        ///< that come together
  uint64_t good_rows = UINT64_MAX;   ///< windows with later rows fail
  uint64_t slices_per_window = 0;    ///< of waiting in vain for each
  uint64_t windows_not_awaited = 0;  ///< read before they had come
  uint64_t streams_closed = 0;
};

/// The tokens of row r are r, r % 3 times.
uint64_t NumTokens(uint64_t row) { return row % 3; }

Result<std::shared_ptr<arrow::Array>> TokensOf(const Rows& rows) {
  auto tokens = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), tokens);
  for (uint64_t row : rows) {
    ARROW_RETURN_NOT_OK(lists.Append());
    for (uint64_t i = 0; i < NumTokens(row); ++i)
      ARROW_RETURN_NOT_OK(tokens->Append(static_cast<int64_t>(row)));
  }
  return lists.Finish();
}

/// Rows by key, as one column: their numbers, or their tokens if it is so named.
class ComputedStream final : public BatchStream {
 public:
  ComputedStream(const std::string& column, RowKeys keys, std::shared_ptr<Reading> reading)
      : schema_(arrow::schema({arrow::field(
            column, column == "tokens" ? arrow::list(arrow::int64()) : arrow::uint64(),
            /*nullable=*/false)})),
        keys_(std::move(keys)),
        reading_(std::move(reading)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  bool WaitNext(milliseconds) override { return slices_++ >= reading_->slices_per_window; }

  Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    if (slices_ <= reading_->slices_per_window) ++reading_->windows_not_awaited;
    slices_ = 0;
    Rows rows;
    if (!closed_) ARROW_RETURN_NOT_OK(keys_(reading_->window_rows, &rows));
    if (rows.empty()) return Status::OK();
    rows_read_ += rows.size();
    if (rows_read_ > reading_->good_rows)
      return MakeError(ErrorKind::kUnavailable, "the store is away");
    arrow::UInt64Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(rows));
    ARROW_ASSIGN_OR_RAISE(
        auto column, schema_->field(0)->name() == "tokens" ? TokensOf(rows) : builder.Finish());
    *out = arrow::RecordBatch::Make(schema_, column->length(), {column});
    return Status::OK();
  }

  Status Close() override {
    if (!closed_) ++reading_->streams_closed;
    closed_ = true;
    return Status::OK();
  }

 private:
  const std::shared_ptr<arrow::Schema> schema_;
  const RowKeys keys_;
  const std::shared_ptr<Reading> reading_;
  uint64_t slices_ = 0;
  uint64_t rows_read_ = 0;
  bool closed_ = false;
};

/// All rows, or every thousandth.
class ComputedScan final : public PreparedScan {
 public:
  ComputedScan(uint64_t step, std::shared_ptr<Reading> reading)
      : step_(step), reading_(std::move(reading)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  Result<uint64_t> CountRows() const override { return kRows / step_; }
  Result<std::shared_ptr<BatchStream>> Run() const override {
    RowKeys offsets = [next = uint64_t{0}, step = step_](uint64_t most, Rows* out) mutable {
      for (; most > 0 && next < kRows; --most, next += step) out->push_back(next);
      return Status::OK();
    };
    return std::make_shared<ComputedStream>("_rowoffset", std::move(offsets), reading_);
  }

 private:
  const uint64_t step_;
  const std::shared_ptr<Reading> reading_;
  const std::shared_ptr<arrow::Schema> schema_ =
      arrow::schema({arrow::field("_rowoffset", arrow::uint64())});
};

/// The `id` of a row is its number.
class ComputedSnapshot final : public Snapshot {
 public:
  explicit ComputedSnapshot(std::shared_ptr<Reading> reading) : reading_(std::move(reading)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return schema_; }
  uint64_t version() const override { return 1; }
  std::string storage_version() const override { return "2.2"; }
  std::vector<FragmentInfo> fragments() const override { return {}; }

  Result<std::shared_ptr<const PreparedScan>> Prepare(const ScanOptions& options) const override {
    if (options.filter.empty()) return std::make_shared<ComputedScan>(1, reading_);
    if (options.filter != std::vector<std::string>{kEveryThousandth}) return NotNeeded();
    return std::make_shared<ComputedScan>(1000, reading_);
  }
  Result<std::shared_ptr<BatchStream>> TakeAhead(RowKeys keys,
                                                 const TakeOptions& options) const override {
    if (options.key != RowKey::kOffset) return NotNeeded();
    const auto& names = options.columns.names;
    return std::make_shared<ComputedStream>(names ? names->at(0) : "id", std::move(keys), reading_);
  }

  // Row ids and offsets are the same numbers.
  Result<std::shared_ptr<arrow::RecordBatch>> Take(std::span<const uint64_t> keys, RowKey,
                                                   const Columns& columns) const override {
    RowKeys all = [keys](uint64_t, Rows* out) {
      out->assign(keys.begin(), keys.end());
      return Status::OK();
    };
    return ComputedStream(columns.names->at(0), std::move(all), reading_).Next();
  }
  Result<std::vector<ColumnReport>> Inspect() const override { return NotNeeded(); }
  Result<VerifyReport> Verify(const VerifyProgress&) const override { return NotNeeded(); }

 private:
  const std::shared_ptr<Reading> reading_;
  const std::shared_ptr<arrow::Schema> schema_ =
      arrow::schema({arrow::field("id", arrow::uint64(), /*nullable=*/false)});
};

EpochRows Find(std::shared_ptr<Reading> reading = std::make_shared<Reading>(),
               const std::vector<std::string>& filter = {}) {
  return EpochRows::Find(std::make_shared<ComputedSnapshot>(std::move(reading)), filter)
      .ValueOrDie();
}

EpochOptions RankThreeOfEight() {
  return {.shuffle = ShuffleOptions{.seed = 5, .epoch = 2},
          .num_splits = 48,
          .reader = {.rank = 3, .world_size = 8},
          .batch_size = 100};
}

/// Where all readers together are after the first `rounds` of all splits.
EpochProgress AfterRounds(uint64_t rounds) { return EpochProgress::After(rounds * 48, 48); }

/// What rank 3 of 8 gets of 48 splits of `rows` rows: its samples `first` to `last - 1`.
Rows Expected(uint64_t rows, uint64_t first, uint64_t last) {
  const auto order = RowOrder::Shuffled(rows, *RankThreeOfEight().shuffle).ValueOrDie();
  Rows expected;
  for (uint64_t own = first; own < last; ++own) {
    const uint64_t sample = 3 + 8 * own;
    expected.push_back(order.RowAt(sample % 48 * (rows / 48) + sample / 48));
  }
  return expected;
}

/// Column id of the next rows, whole batches of them.
Rows Read(BatchStream* stream, size_t rows = SIZE_MAX) {
  Rows found;
  while (found.size() < rows) {
    const auto batch = stream->Next().ValueOrDie();
    if (!batch) break;
    const Rows ids = Values(*batch, "id");
    found.insert(found.end(), ids.begin(), ids.end());
  }
  return found;
}

TEST(HugeEpoch, BeginsAtOnceWithTheRowsOfItsOrder) {
  const auto stream = OpenEpoch(Find(), RankThreeOfEight()).ValueOrDie();
  EXPECT_EQ(stream->num_samples(), kRows - 16);
  EXPECT_EQ(stream->surplus(), 16u);
  EXPECT_EQ(Read(stream.get(), 1000), Expected(kRows, 0, 1000));
}

TEST(HugeEpoch, GoesOnAnywhere) {
  constexpr uint64_t kRounds = kRows / 48;
  for (uint64_t rounds : {kRounds / 10, kRounds / 2, kRounds - 200}) {
    const uint64_t own = rounds * 6;
    const auto stream = OpenEpoch(Find(), RankThreeOfEight(), AfterRounds(rounds)).ValueOrDie();
    EXPECT_EQ(Read(stream.get(), 1000), Expected(kRows, own, own + 1000));
    EXPECT_EQ(
        Read(OpenEpoch(Find(), RankThreeOfEight(), stream->progress()).ValueOrDie().get(), 100),
        Expected(kRows, own + 1000, own + 1100));
  }
  const auto end = OpenEpoch(Find(), RankThreeOfEight(), AfterRounds(kRounds - 50)).ValueOrDie();
  EXPECT_EQ(Read(end.get()), Expected(kRows, (kRounds - 50) * 6, kRounds * 6));
  EXPECT_EQ(end->progress(), AfterRounds(kRounds));
}

TEST(HugeEpoch, HasTheRowsThatAFilterKeeps) {
  auto reading = std::make_shared<Reading>(Reading{.window_rows = 1 << 16});
  const EpochRows chosen = Find(reading, {kEveryThousandth});
  ASSERT_EQ(chosen.size(), kRows / 1000);
  EXPECT_EQ(chosen.OffsetAt(chosen.size() - 1), kRows - 1000);
  const uint64_t rounds = chosen.size() / 96;  // the middle
  const auto stream = OpenEpoch(chosen, RankThreeOfEight(), AfterRounds(rounds)).ValueOrDie();
  Rows expected = Expected(chosen.size(), rounds * 6, rounds * 6 + 1000);
  for (uint64_t& row : expected) row *= 1000;
  EXPECT_EQ(Read(stream.get(), 1000), expected);
}

TEST(HugeEpoch, BlocksAreOfTheSplitsThatComeNext) {
  constexpr uint64_t kSplitRows = kRows / 48;
  const auto order = RowOrder::Shuffled(kRows, *RankThreeOfEight().shuffle).ValueOrDie();
  // Three blocks before the last ones, which have 33 rows.
  constexpr uint64_t kFirst = kSplitRows / 100 * 100 - 300;
  const auto stream = OpenSplits(Find(), RankThreeOfEight(), AfterRounds(kFirst + 5)).ValueOrDie();
  for (uint64_t place = kFirst; place < kSplitRows; place += 100) {
    for (uint64_t split = 3; split < 48; split += 8) {
      const auto block = stream->Next().ValueOrDie();
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(stream->split(), split);
      EXPECT_EQ(stream->place(), place);
      Rows expected(std::min<uint64_t>(100, kSplitRows - place));
      order.Fill(split * kSplitRows + place, expected);
      EXPECT_EQ(Values(*block, "id"), expected);
    }
  }
  EXPECT_EQ(stream->Next().ValueOrDie(), nullptr);
}

TEST(HugeEpoch, BlocksOfTokensGoOnAnywhere) {
  constexpr uint64_t kSplitRows = kRows / 48;
  constexpr uint64_t kEos = kRows;
  constexpr PackOptions kPacking{.block_tokens = 16, .eos_id = kEos, .blocks_per_split = 5'000'000};
  const auto order = RowOrder::Shuffled(kRows, *RankThreeOfEight().shuffle).ValueOrDie();
  EpochOptions options = RankThreeOfEight();
  options.columns.names = {{"tokens"}};
  for (uint64_t place : {uint64_t{0}, kSplitRows / 2, kSplitRows - 1000}) {
    const PackProgress start{
        .blocks = Rows(48, place / 8), .places = Rows(48, place), .offsets = Rows(48, 0)};
    const auto stream = OpenPacked(Find(), options, kPacking, start).ValueOrDie();
    EXPECT_EQ(stream->num_blocks(), 48 * kPacking.blocks_per_split);
    const auto batch = stream->Next().ValueOrDie();
    ASSERT_EQ(batch->num_rows(), 100);
    const auto& blocks =
        static_cast<const arrow::FixedSizeListArray&>(*batch->GetColumnByName("input_ids"));
    const auto* found = blocks.values()->data()->GetValues<uint64_t>(1);
    const Rows numbers = Values(*batch, "block");
    for (uint64_t turn = 0; turn < 6; ++turn) {
      const uint64_t split = 3 + 8 * turn;
      Rows rows(500);
      order.Fill(split * kSplitRows + place, rows);
      Rows tokens;
      for (uint64_t row : rows) {
        tokens.insert(tokens.end(), NumTokens(row), row);
        tokens.push_back(kEos);
      }
      for (uint64_t block = 0; turn + 6 * block < 100; ++block) {
        const uint64_t at = turn + 6 * block;
        EXPECT_EQ(numbers[at], (place / 8 + block) * 48 + split);
        EXPECT_TRUE(std::equal(found + at * 16, found + at * 16 + 16, &tokens[block * 16]));
      }
    }
    const PackProgress after = stream->progress();
    for (uint64_t split = 3; split < 48; split += 8) {
      EXPECT_GE(after.blocks[split], place / 8 + 16);
      EXPECT_GT(after.places[split], place);
    }
  }
}

TEST(HugeEpoch, SaysWhichRowsComeWhen) {
  const auto rows = RowOrder::Shuffled(kRows, *RankThreeOfEight().shuffle).ValueOrDie();
  const auto order = EpochOrder::Make(Find(), RankThreeOfEight()).ValueOrDie();
  EXPECT_EQ(order.num_samples(), kRows - 16);
  for (uint64_t first : {uint64_t{0}, kRows / 2, kRows - 116}) {
    const Rows found = order.RowIds(first, 1000).ValueOrDie();
    ASSERT_EQ(found.size(), std::min<uint64_t>(1000, kRows - 16 - first));
    for (uint64_t i = 0; i < found.size(); ++i) {
      const uint64_t sample = first + i;
      EXPECT_EQ(found[i], rows.RowAt(sample % 48 * (kRows / 48) + sample / 48));
      EXPECT_EQ(order.SampleOf(found[i]).ValueOrDie(), sample);
    }
  }
  // Rows that fill no split.
  EXPECT_EQ(order.SampleOf(rows.RowAt(kRows - 1)).ValueOrDie(), std::nullopt);
}

TEST(HugeEpoch, FailsWhereReadingFailsAndGoesOnFromThere) {
  const auto reading = std::make_shared<Reading>(Reading{.window_rows = 30, .good_rows = 990});
  const auto stream = OpenEpoch(Find(reading), RankThreeOfEight()).ValueOrDie();
  EXPECT_EQ(Read(stream.get(), 900), Expected(kRows, 0, 900));
  for (int attempt = 0; attempt < 2; ++attempt) {
    ASSERT_TRUE(stream->WaitNext(kSlice));
    const Status status = stream->Next().status();
    EXPECT_EQ(GetErrorKind(status), ErrorKind::kUnavailable);
    EXPECT_THAT(status.message(), HasSubstr("the store is away"));
  }
  EXPECT_EQ(Read(OpenEpoch(Find(), RankThreeOfEight(), stream->progress()).ValueOrDie().get(), 1),
            Expected(kRows, 900, 1000));

  const auto blocks = OpenSplits(Find(reading), RankThreeOfEight()).ValueOrDie();
  EXPECT_EQ(Read(blocks.get(), 900).size(), 900u);
  EXPECT_EQ(GetErrorKind(blocks->Next().status()), ErrorKind::kUnavailable);
}

TEST(HugeEpoch, WaitsForRowsThatAreSlow) {
  // A batch needs several windows, of which each is waited for.
  const auto reading =
      std::make_shared<Reading>(Reading{.window_rows = 30, .slices_per_window = 3});
  const std::vector<std::shared_ptr<BatchStream>> streams = {
      OpenEpoch(Find(reading), RankThreeOfEight()).ValueOrDie(),
      OpenSplits(Find(reading), RankThreeOfEight()).ValueOrDie()};
  for (const auto& stream : streams) {
    for (int batch = 0; batch < 3; ++batch) {
      int slices = 0;
      while (!stream->WaitNext(kSlice)) ++slices;
      EXPECT_GE(slices, 9);
      EXPECT_EQ(stream->Next().ValueOrDie()->num_rows(), 100);
    }
  }
  EXPECT_EQ(reading->windows_not_awaited, 0u);
  // Who does not wait gets the same.
  EXPECT_EQ(Read(OpenEpoch(Find(reading), RankThreeOfEight()).ValueOrDie().get(), 1000),
            Expected(kRows, 0, 1000));
}

TEST(HugeEpoch, ClosesEarly) {
  const auto reading = std::make_shared<Reading>();
  for (uint64_t rows : {0u, 100u}) {
    const std::vector<std::shared_ptr<BatchStream>> streams = {
        OpenEpoch(Find(reading), RankThreeOfEight()).ValueOrDie(),
        OpenSplits(Find(reading), RankThreeOfEight()).ValueOrDie()};
    for (const auto& stream : streams) {
      EXPECT_EQ(Read(stream.get(), rows).size(), rows);
      EXPECT_TRUE(stream->Close().ok());
    }
  }
  EXPECT_EQ(reading->streams_closed, 4u);
}

}  // namespace
}  // namespace pilum::stream
