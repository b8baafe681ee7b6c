// What BuildPermutation lists.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/test_table.h"
#include "pilum/error.h"
#include "pilum/permutation.h"

namespace pilum::permutation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Ids = std::vector<uint64_t>;
using Splits = std::map<uint64_t, Ids>;

std::shared_ptr<arrow::RecordBatch> Build(const Snapshot& snapshot,
                                          const PermutationOptions& options = {}) {
  auto rows = BuildPermutation(snapshot, options);
  EXPECT_TRUE(rows.ok()) << rows.status().ToString();
  return (*rows)->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
}

/// The rows of each split in order. The splits come in ascending order.
Splits BuildSplits(const Snapshot& snapshot, const PermutationOptions& options = {}) {
  const auto batch = Build(snapshot, options);
  const Ids ids = Values(*batch, "row_id");
  const Ids numbers = Values(*batch, "split_id");
  EXPECT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
  Splits splits;
  for (size_t i = 0; i < ids.size(); ++i) splits[numbers[i]].push_back(ids[i]);
  return splits;
}

/// A table of one fragment, so that row ids count from 0.
std::shared_ptr<const Snapshot> Counting(int64_t rows) { return MakeSnapshot(CountingRows(rows)); }

Ids Sorted(Ids ids) {
  std::sort(ids.begin(), ids.end());
  return ids;
}

Ids Range(uint64_t first, uint64_t end) {
  Ids ids;
  for (uint64_t i = first; i < end; ++i) ids.push_back(i);
  return ids;
}

void ExpectInvalid(const Snapshot& snapshot, const PermutationOptions& options,
                   const std::string& message) {
  const auto rows = BuildPermutation(snapshot, options);
  ASSERT_FALSE(rows.ok()) << message;
  EXPECT_EQ(GetErrorKind(rows.status()), ErrorKind::kInvalidArgument);
  EXPECT_THAT(rows.status().message(), HasSubstr(message));
}

TEST(BuildPermutation, ListsAllRowsInStorageOrderByDefault) {
  EXPECT_EQ(BuildSplits(*Counting(200'000)), (Splits{{0, Range(0, 200'000)}}));
}

TEST(BuildPermutation, SaysWhatItIsOf) {
  const auto table = MakeTable(CountingRows(5));
  auto more = arrow::RecordBatchReader::Make({CountingRows(5, 5)}).ValueOrDie();
  const auto snapshot = table->Append(more.get()).ValueOrDie();
  const auto batch = Build(*snapshot, {.splits = SequentialSplits{EqualSplits{2}},
                                       .split_names = {"train", "\"test\""}});
  const auto& schema = *batch->schema();
  EXPECT_TRUE(schema.field(0)->Equals(*arrow::field("row_id", arrow::uint64())));
  EXPECT_TRUE(schema.field(1)->Equals(*arrow::field("split_id", arrow::uint64(), false)));
  EXPECT_EQ(schema.metadata()->Get("base_version").ValueOrDie(), "2");
  EXPECT_EQ(schema.metadata()->Get("split_names").ValueOrDie(), R"(["train","\"test\""])");
  EXPECT_FALSE(Build(*snapshot)->schema()->metadata()->Contains("split_names"));
}

TEST(BuildPermutation, ListsTheIdsOfRowsThatAreLeft) {
  const auto table = MakeTable(CountingRows(10), {.max_rows_per_file = 4});
  const auto snapshot = table->Delete("a % 5 = 1").ValueOrDie().snapshot;
  const uint64_t second = uint64_t{1} << 32;
  const uint64_t third = uint64_t{2} << 32;
  EXPECT_THAT(BuildSplits(*snapshot)[0],
              ElementsAre(0, 2, 3, second, second + 1, second + 3, third, third + 1));
}

TEST(BuildPermutation, CutsConsecutiveRows) {
  const auto snapshot = Counting(10);
  EXPECT_EQ(BuildSplits(*snapshot, {.splits = SequentialSplits{EqualSplits{3}}}),
            (Splits{{0, {0, 1, 2}}, {1, {3, 4, 5}}, {2, {6, 7, 8}}}));
  EXPECT_EQ(BuildSplits(*snapshot, {.splits = SequentialSplits{SplitCounts{{1, 6}}}}),
            (Splits{{0, {0}}, {1, {1, 2, 3, 4, 5, 6}}}));
  EXPECT_EQ(BuildSplits(*snapshot,
                        {.filter = "a >= 4", .splits = SequentialSplits{SplitRatios{{0.5, 0.5}}}}),
            (Splits{{0, {4, 5, 6}}, {1, {7, 8, 9}}}));
}

TEST(BuildPermutation, CutsShuffledRows) {
  const auto snapshot = Counting(10);
  const ShuffleOptions shuffle{.seed = 7};
  const auto splits =
      BuildSplits(*snapshot, {.splits = RandomSplits{SplitCounts{{4, 3}}, shuffle}});
  const auto order = RowOrder::Shuffled(10, shuffle).ValueOrDie();
  Ids expected(7);
  order.Fill(0, expected);
  EXPECT_EQ(splits, (Splits{{0, {expected.begin(), expected.begin() + 4}},
                            {1, {expected.begin() + 4, expected.end()}}}));
}

// What was stored as a seed has to mean the same rows for ever.
TEST(BuildPermutation, IsFixed) {
  const auto snapshot = Counting(10);
  EXPECT_EQ(BuildSplits(*snapshot, {.splits = RandomSplits{EqualSplits{2}, {.seed = 7}}}),
            (Splits{{0, {1, 5, 7, 4, 2}}, {1, {0, 3, 8, 9, 6}}}));
  EXPECT_EQ(BuildSplits(*snapshot, {.splits = SequentialSplits{EqualSplits{2}},
                                    .shuffle = ShuffleOptions{.seed = 7}}),
            (Splits{{0, {4, 3, 1, 0, 2}}, {1, {9, 8, 5, 6, 7}}}));
  EXPECT_EQ(BuildSplits(*snapshot, {.splits = HashSplits{{"a"}, {1, 1}}}),
            (Splits{{0, {1, 2, 8, 9}}, {1, {0, 3, 4, 5, 6, 7}}}));
}

TEST(BuildPermutation, ShufflesWithinSplits) {
  const auto snapshot = Counting(1000);
  PermutationOptions options{.splits = SequentialSplits{EqualSplits{2}}};
  const Splits stored = BuildSplits(*snapshot, options);
  options.shuffle = ShuffleOptions{.seed = 1};
  const Splits shuffled = BuildSplits(*snapshot, options);
  for (const auto& [split, ids] : stored) {
    EXPECT_NE(shuffled.at(split), ids);
    EXPECT_EQ(Sorted(shuffled.at(split)), ids);
  }
  // Splits of the same size come in different orders.
  Ids moved = shuffled.at(1);
  for (uint64_t& id : moved) id -= 500;
  EXPECT_NE(moved, shuffled.at(0));
}

TEST(BuildPermutation, ShufflesRandomSplitsToo) {
  const auto snapshot = Counting(1000);
  PermutationOptions options{.splits = RandomSplits{EqualSplits{2}, {.seed = 1}}};
  const Splits cut = BuildSplits(*snapshot, options);
  options.shuffle = ShuffleOptions{.seed = 2};
  const Splits shuffled = BuildSplits(*snapshot, options);
  for (const auto& [split, ids] : cut) {
    EXPECT_NE(shuffled.at(split), ids);
    EXPECT_EQ(Sorted(shuffled.at(split)), Sorted(ids));
  }
}

TEST(BuildPermutation, KeepsClumpsOfASplitTogether) {
  const auto splits =
      BuildSplits(*Counting(100), {.splits = SequentialSplits{SplitCounts{{45, 55}}},
                                   .shuffle = ShuffleOptions{.seed = 3, .clump_size = 10}});
  EXPECT_EQ(Sorted(splits.at(0)), Range(0, 45));
  for (const auto& [split, ids] : splits) {
    const uint64_t first = split * 45;
    for (size_t i = 1; i < ids.size(); ++i) {
      if ((ids[i] - first) % 10 != 0) {
        EXPECT_EQ(ids[i], ids[i - 1] + 1) << "in split " << split;
      }
    }
  }
}

TEST(BuildPermutation, KeepsEqualValuesTogether) {
  const auto splits =
      BuildSplits(*Counting(3000), {.splits = HashSplits{{"b"}, {1, 1}, /*discard_weight=*/1}});
  std::map<uint64_t, uint64_t> split_of;  // by value
  for (const auto& [split, ids] : splits) {
    EXPECT_EQ(ids.size() % 1000, 0u);
    for (uint64_t id : ids) EXPECT_EQ(split_of.emplace(id % 3, split).first->second, split);
  }
}

TEST(BuildPermutation, HashesRowIds) {
  const auto splits = BuildSplits(*Counting(1000), {.splits = HashSplits{{"_rowid", "b"}, {1, 3}}});
  EXPECT_NEAR(static_cast<double>(splits.at(0).size()), 250, 60);
  EXPECT_EQ(splits.at(0).size() + splits.at(1).size(), 1000u);
}

TEST(BuildPermutation, SplitsByAnExpression) {
  const auto splits = BuildSplits(
      *Counting(7),
      {.splits = CalculatedSplits{"b * 2"}, .split_names = {"x", "none", "y", "z", "more", ""}});
  EXPECT_EQ(splits, (Splits{{0, {0, 3, 6}}, {2, {1, 4}}, {4, {2, 5}}}));
  EXPECT_EQ(BuildSplits(*Counting(1), {.splits = CalculatedSplits{"9223372036854775807"}}),
            (Splits{{INT64_MAX, {0}}}));
}

TEST(BuildPermutation, WithoutRows) {
  for (const auto& [snapshot, filter] :
       {std::pair{Counting(0), std::optional<std::string>()}, {Counting(5), "a > 100"}}) {
    EXPECT_THAT(BuildSplits(*snapshot, {.filter = filter}), IsEmpty());
    EXPECT_THAT(BuildSplits(*snapshot, {.filter = filter, .shuffle = ShuffleOptions{}}), IsEmpty());
    ExpectInvalid(*snapshot, {.filter = filter, .splits = SequentialSplits{EqualSplits{1}}},
                  "at least 1 row per split");
    ExpectInvalid(*snapshot, {.filter = filter, .splits = HashSplits{{"a"}, {1}}},
                  "there are no rows to split");
    ExpectInvalid(*snapshot, {.filter = filter, .splits = CalculatedSplits{"a"}},
                  "there are no rows to split");
  }
}

TEST(BuildPermutation, RefusesHashesThatCannotBe) {
  const auto snapshot = Counting(5);
  ExpectInvalid(*snapshot, {.splits = HashSplits{{}, {1}}}, "columns must name");
  ExpectInvalid(*snapshot, {.splits = HashSplits{{"a"}, {}}}, "at least one weight");
  ExpectInvalid(*snapshot, {.splits = HashSplits{{"a"}, {1, 0}}}, "weight 1 is 0");
  ExpectInvalid(*snapshot, {.splits = HashSplits{{"a"}, {1}, -1}}, "discard_weight");
  ExpectInvalid(*snapshot, {.splits = HashSplits{{"a"}, {INT64_MAX, 1}}}, "2^63 - 1");
  ExpectInvalid(*snapshot, {.splits = HashSplits{{"a"}, {1}, INT64_MAX}}, "2^63 - 1");
  ExpectInvalid(*snapshot, {.splits = HashSplits{{"nowhere"}, {1}}}, "nowhere");
}

TEST(BuildPermutation, RefusesNumbersOfSplitsThatAreNone) {
  const auto snapshot = Counting(5);
  ExpectInvalid(*snapshot, {.splits = CalculatedSplits{"a * 0.5"}}, "must be an integer");
  ExpectInvalid(*snapshot, {.splits = CalculatedSplits{"a > 1"}}, "must be an integer");
  ExpectInvalid(*snapshot, {.splits = CalculatedSplits{"1 - a"}}, "is -1 for the row with id 2");
  ExpectInvalid(*snapshot, {.splits = CalculatedSplits{"CASE WHEN a < 3 THEN 0 END"}},
                "is null for the row with id 3");
}

TEST(BuildPermutation, RefusesNamesThatDoNotFit) {
  const auto snapshot = Counting(6);
  const SequentialSplits two{EqualSplits{2}};
  ExpectInvalid(*snapshot, {.splits = two, .split_names = {"x"}}, "1 names for 2 splits");
  ExpectInvalid(*snapshot, {.splits = two, .split_names = {"x", "y", "z"}}, "3 names for 2 splits");
  ExpectInvalid(*snapshot, {.splits = two, .split_names = {"x", "x"}}, "a name twice");
  ExpectInvalid(*snapshot, {.splits = CalculatedSplits{"b"}, .split_names = {"x", "y"}},
                "2 names for 3 splits");
}

TEST(BuildPermutation, RefusesFiltersThatDoNotFit) {
  ExpectInvalid(*Counting(5), {.filter = "nowhere = 1"}, "nowhere");
  ExpectInvalid(*Counting(5), {.filter = "a ="}, "SQL");
}

}  // namespace
}  // namespace pilum::permutation
