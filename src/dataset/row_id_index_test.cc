#include "dataset/row_id_index.h"

#include <gtest/gtest.h>

#include "dataset/test_manifest.h"
#include "rows/row_address.h"

namespace pilum::dataset {
namespace {

using rows::MakeRowAddress;

/// One fragment whose rows have these ids, in order.
RowIdIndex::FragmentRows FragmentOfIds(uint32_t fragment, const std::vector<uint64_t>& ids,
                                       std::vector<uint32_t> deleted = {}) {
  lance::table::RowIdSequence sequence;
  std::string* values =
      sequence.add_segments()->mutable_array()->mutable_u64_array()->mutable_values();
  values->assign(reinterpret_cast<const char*>(ids.data()), ids.size() * 8);
  return {fragment, RowIds::Parse(sequence.SerializeAsString(), ids.size()).ValueOrDie(),
          std::make_shared<DeletionVector>(std::move(deleted))};
}

RowIdIndex::FragmentRows FragmentOfRange(uint32_t fragment, uint64_t start, uint64_t end) {
  lance::table::RowIdSequence sequence;
  auto* range = sequence.add_segments()->mutable_range();
  range->set_start(start);
  range->set_end(end);
  return {fragment, RowIds::Parse(sequence.SerializeAsString(), end - start).ValueOrDie(), nullptr};
}

TEST(RowIdIndex, FindsRowsOfAllFragments) {
  auto index =
      RowIdIndex::Make(std::vector{FragmentOfRange(7, 100, 200), FragmentOfRange(2, 0, 100),
                                   FragmentOfIds(9, {500, 300, 400})})
          .ValueOrDie();
  EXPECT_EQ(index->Find(0), MakeRowAddress(2, 0));
  EXPECT_EQ(index->Find(99), MakeRowAddress(2, 99));
  EXPECT_EQ(index->Find(100), MakeRowAddress(7, 0));
  EXPECT_EQ(index->Find(199), MakeRowAddress(7, 99));
  EXPECT_EQ(index->Find(200), std::nullopt);
  EXPECT_EQ(index->Find(500), MakeRowAddress(9, 0));
  EXPECT_EQ(index->Find(300), MakeRowAddress(9, 1));
  EXPECT_EQ(index->Find(UINT64_MAX), std::nullopt);
  EXPECT_EQ(index->num_runs(), 5u);
}

TEST(RowIdIndex, DoesNotFindDeletedRows) {
  auto index = RowIdIndex::Make(std::vector{FragmentOfIds(1, {10, 11, 12, 13, 14, 15, 20, 30, 31},
                                                          {0, 2, 3, 6, 8})})
                   .ValueOrDie();
  for (uint64_t id : {10, 12, 13, 20, 31}) EXPECT_EQ(index->Find(id), std::nullopt) << id;
  EXPECT_EQ(index->Find(11), MakeRowAddress(1, 1));
  EXPECT_EQ(index->Find(14), MakeRowAddress(1, 4));
  EXPECT_EQ(index->Find(15), MakeRowAddress(1, 5));
  EXPECT_EQ(index->Find(30), MakeRowAddress(1, 7));
}

TEST(RowIdIndex, FollowsARowThatMoved) {
  auto index =
      RowIdIndex::Make(std::vector{FragmentOfIds(0, {5, 6, 7}, {1}), FragmentOfIds(1, {6})})
          .ValueOrDie();
  EXPECT_EQ(index->Find(6), MakeRowAddress(1, 0));
}

TEST(RowIdIndex, RefusesAnIdOfTwoLiveRows) {
  ExpectError(
      RowIdIndex::Make(std::vector{FragmentOfRange(0, 0, 10), FragmentOfIds(1, {6})}).status(),
      ErrorKind::kCorruptData, "row id 6 belongs to two rows, row 6 of fragment 0");
  ExpectError(RowIdIndex::Make(std::vector{FragmentOfIds(1, {6, 8, 6})}).status(),
              ErrorKind::kCorruptData, "row id 6");
}

TEST(RowIdIndex, KeepsNeighbouringRowsOneRun) {
  std::vector<uint64_t> ids(1000);
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = 50 + i;
  auto index = RowIdIndex::Make(std::vector{FragmentOfIds(0, ids)}).ValueOrDie();
  EXPECT_EQ(index->num_runs(), 1u);
}

TEST(RowIdIndex, OfNothingFindsNothing) {
  auto index = RowIdIndex::Make({}).ValueOrDie();
  EXPECT_EQ(index->Find(0), std::nullopt);
  EXPECT_EQ(index->num_runs(), 0u);
}

}  // namespace
}  // namespace pilum::dataset
