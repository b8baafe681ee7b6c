#include "pilum/lineage.h"

#include <algorithm>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/test_table.h"
#include "pilum/error.h"

namespace pilum::stream {
namespace {

using ::testing::HasSubstr;
using Rows = std::vector<uint64_t>;

/// Rows 0 to 999 in fragments of 100: the id of row i is i / 100 << 32 | i % 100.
EpochRows Counting(const std::vector<std::string>& filter = {}) {
  return EpochRows::Find(MakeSnapshot(CountingRows(1000), {.max_rows_per_file = 100}), filter)
      .ValueOrDie();
}

EpochOptions Shuffled(uint64_t num_splits) {
  EpochOptions options{.shuffle = ShuffleOptions{.seed = 5, .epoch = 2}, .num_splits = num_splits};
  options.columns.with_row_id = true;
  return options;
}

Rows Delivered(const EpochRows& rows, const EpochOptions& options) {
  const auto stream = OpenEpoch(rows, options).ValueOrDie();
  Rows ids;
  while (const auto batch = stream->Next().ValueOrDie()) {
    const Rows more = Values(*batch, "_rowid");
    ids.insert(ids.end(), more.begin(), more.end());
  }
  return ids;
}

RowDigest DigestOf(const Rows& ids) {
  RowDigest digest;
  digest.Add(ids);
  return digest;
}

TEST(EpochOrder, SaysWhatTheStreamDelivers) {
  for (const auto& filter : {std::vector<std::string>{}, {"a % 3 = 1"}}) {
    const EpochRows rows = Counting(filter);
    const auto order = EpochOrder::Make(rows, Shuffled(7)).ValueOrDie();
    const Rows ids = Delivered(rows, Shuffled(7));
    EXPECT_EQ(order.num_samples(), rows.size() / 7 * 7);
    EXPECT_EQ(order.RowIds(0, ids.size()).ValueOrDie(), ids);
    EXPECT_EQ(order.RowIds(10, 3).ValueOrDie(), Rows(ids.begin() + 10, ids.begin() + 13));
    EXPECT_EQ(order.RowIds(ids.size() - 1, 3).ValueOrDie(), Rows{ids.back()});
    EXPECT_EQ(order.RowIds(ids.size() + 5, 3).ValueOrDie(), Rows{});
    for (uint64_t sample : {size_t{0}, size_t{10}, ids.size() - 1})
      EXPECT_EQ(order.SampleOf(ids[sample]).ValueOrDie(), sample);
    EXPECT_EQ(order.Digest().ValueOrDie(), DigestOf(ids));
    EXPECT_EQ(order.Digest(5, 20).ValueOrDie(), DigestOf(Rows(ids.begin() + 5, ids.begin() + 25)));
  }
}

TEST(EpochOrder, RowsThatAreNoSamplesComeNever) {
  const EpochRows rows = Counting({"a % 3 = 1"});  // 333, of which 7 splits have 329
  const auto order = EpochOrder::Make(rows, Shuffled(7)).ValueOrDie();
  size_t samples = 0;
  for (uint64_t row = 0; row < 1000; ++row)
    samples += order.SampleOf(row / 100 << 32 | row % 100).ValueOrDie().has_value();
  EXPECT_EQ(samples, 329u);
  EXPECT_EQ(order.SampleOf(0).ValueOrDie(), std::nullopt);
  const auto missing = order.SampleOf(100);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(GetErrorKind(missing.status()), ErrorKind::kInvalidArgument);
  EXPECT_THAT(missing.status().message(), HasSubstr("100"));
}

TEST(RowDigest, IsTheSumOfItsPartsInAnyOrder) {
  Rows ids(100);
  std::iota(ids.begin(), ids.end(), 7);
  const RowDigest whole = DigestOf(ids);
  std::reverse(ids.begin(), ids.end());
  RowDigest parts = DigestOf(Rows(ids.begin(), ids.begin() + 30));
  parts.Add(std::span(ids).subspan(30));
  EXPECT_EQ(parts, whole);
}

TEST(RowDigest, SeesRowsThatAreMissingOrThereTwice) {
  const RowDigest whole = DigestOf({1, 2, 3});
  EXPECT_NE(DigestOf({1, 2}), whole);
  EXPECT_NE(DigestOf({1, 2, 2}), whole);
  EXPECT_NE(DigestOf({1, 1, 4}), whole);
  EXPECT_NE(DigestOf({2, 2}), DigestOf({1, 3}));
}

TEST(RowDigest, IsTheSameForEver) {  // receipts are kept
  EXPECT_EQ(DigestOf({0, 1, uint64_t{1} << 32}).sum, 3987709049308326824u);
}

}  // namespace
}  // namespace pilum::stream
