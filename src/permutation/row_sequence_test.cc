// Rows by their place in an order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/test_table.h"
#include "pilum/error.h"
#include "pilum/permutation.h"

namespace pilum::permutation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Positions = std::vector<uint64_t>;

std::shared_ptr<arrow::Array> UInt64s(const Positions& values, bool null = false) {
  arrow::UInt64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  if (null) {
    EXPECT_TRUE(builder.AppendNull().ok());
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<const Snapshot> Stored(const std::vector<std::string>& names,
                                       const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (size_t i = 0; i < names.size(); ++i)
    fields.push_back(arrow::field(names[i], columns[i]->type()));
  return MakeSnapshot(
      arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns));
}

std::vector<uint64_t> Take(const RowSequence& rows, const Snapshot& snapshot,
                           const Positions& positions) {
  const auto batch = rows.Take(snapshot, positions, {.names = {{"a"}}}).ValueOrDie();
  EXPECT_EQ(batch->num_columns(), 1);
  return Values(*batch, "a");
}

TEST(RowSequence, InStorageOrder) {
  const auto table = MakeTable(CountingRows(10), {.max_rows_per_file = 4});
  const auto snapshot = table->Delete("a = 1").ValueOrDie().snapshot;
  const RowSequence rows(RowOrder::Stored(9));
  EXPECT_EQ(rows.size(), 9u);
  EXPECT_THAT(Take(rows, *snapshot, {8, 0, 1, 8}), ElementsAre(9, 0, 2, 9));
  EXPECT_EQ(rows.Take(*snapshot, {}).ValueOrDie()->num_rows(), 0);
  EXPECT_TRUE(rows.Take(*snapshot, {}).ValueOrDie()->schema()->Equals(*snapshot->schema()));
}

TEST(RowSequence, InACalculatedOrder) {
  const auto snapshot = MakeSnapshot(CountingRows(100));
  const auto order = RowOrder::Shuffled(100, {.seed = 5}).ValueOrDie();
  const RowSequence rows(order);
  EXPECT_THAT(Take(rows, *snapshot, {3, 99}), ElementsAre(order.RowAt(3), order.RowAt(99)));
}

TEST(RowSequence, IsTheRowsOfASplit) {
  const auto table = MakeTable(CountingRows(10), {.max_rows_per_file = 4});
  const auto snapshot = table->Delete("a < 2").ValueOrDie().snapshot;
  const auto built = BuildPermutation(*snapshot, {.splits = SequentialSplits{SplitCounts{{3, 5}}},
                                                  .shuffle = ShuffleOptions{.seed = 1}});
  const auto permutation = MakeTable(*built)->Latest().ValueOrDie();
  const auto second = RowSequence::Load(*permutation, 1).ValueOrDie();
  EXPECT_EQ(second.size(), 5u);
  auto values = Take(second, *snapshot, {0, 1, 2, 3, 4});
  EXPECT_THAT(Take(second, *snapshot, {4, 4, 0}), ElementsAre(values[4], values[4], values[0]));
  std::sort(values.begin(), values.end());
  EXPECT_THAT(values, ElementsAre(5, 6, 7, 8, 9));
  EXPECT_EQ(RowSequence::Load(*permutation, std::nullopt).ValueOrDie().size(), 8u);
  EXPECT_EQ(RowSequence::Load(*permutation, 2).ValueOrDie().size(), 0u);
  EXPECT_EQ(RowSequence::Load(*permutation, UINT64_MAX).ValueOrDie().size(), 0u);
}

TEST(RowSequence, OfAVersionReadsThatVersion) {
  const auto table = MakeTable(CountingRows(10));
  const auto before = table->Latest().ValueOrDie();
  const auto listed = MakeTable(BuildPermutation(*before).ValueOrDie())->Latest().ValueOrDie();
  const auto rows = RowSequence::Load(*listed, 0).ValueOrDie();
  const auto after = table->Delete("a = 4").ValueOrDie().snapshot;
  EXPECT_THAT(Take(rows, *before, {4}), ElementsAre(4));
  const auto gone = rows.Take(*after, Positions{4});
  ASSERT_FALSE(gone.ok());
  EXPECT_TRUE(gone.status().IsIndexError());
  EXPECT_EQ(GetErrorKind(gone.status()), ErrorKind::kInvalidArgument);
}

TEST(RowSequence, OfATableThatIsNoPermutationIsRefused) {
  const auto ids = UInt64s({1, 2});
  for (const auto& [permutation, message] :
       {std::pair{Stored({"row_id"}, {ids}), "no column 'split_id'"},
        std::pair{Stored({"split_id"}, {ids}), "no column 'row_id'"},
        std::pair{Stored({"row_id", "split_id"}, {ids->View(arrow::int64()).ValueOrDie(), ids}),
                  "no column 'row_id' of type uint64"},
        std::pair{Stored({"row_id", "split_id"}, {UInt64s({1}, /*null=*/true), ids}),
                  "nulls in its column 'row_id'"}}) {
    const auto rows = RowSequence::Load(*permutation, std::nullopt);
    ASSERT_FALSE(rows.ok()) << message;
    EXPECT_EQ(GetErrorKind(rows.status()), ErrorKind::kInvalidArgument);
    EXPECT_THAT(rows.status().message(), HasSubstr(message));
  }
}

}  // namespace
}  // namespace pilum::permutation
