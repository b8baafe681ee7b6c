#include "permutation/row_id_list.h"

#include <gtest/gtest.h>

#include <random>

namespace pilum::permutation {
namespace {

void ExpectHolds(const std::vector<uint64_t>& ids) {
  RowIdList list;
  // In parts, as batches are appended.
  for (size_t first = 0; first < ids.size(); first += 1000)
    list.Append(std::span(ids).subspan(first, std::min<size_t>(1000, ids.size() - first)));
  ASSERT_EQ(list.size(), ids.size());
  for (size_t i = 0; i < ids.size(); ++i) ASSERT_EQ(list.at(i), ids[i]) << "at position " << i;
}

/// `runs` runs of `length` consecutive ids, far from each other.
std::vector<uint64_t> Runs(size_t runs, size_t length) {
  std::vector<uint64_t> ids;
  for (uint64_t run = 0; run < runs; ++run)
    for (uint64_t i = 0; i < length; ++i) ids.push_back(((runs - run) << 32) + i);
  return ids;
}

TEST(RowIdList, HoldsNothing) { ExpectHolds({}); }

TEST(RowIdList, HoldsConsecutiveIds) {
  ExpectHolds({7});
  ExpectHolds(Runs(1, 200'000));
}

TEST(RowIdList, HoldsIdsOfEveryValue) {
  ExpectHolds({0, UINT64_MAX});
  ExpectHolds({UINT64_MAX, 0});  // consecutive only where numbers have no end
  ExpectHolds({UINT64_MAX - 1, UINT64_MAX});
  ExpectHolds({5, 5, 5});
  ExpectHolds({2, 1, 0});
}

TEST(RowIdList, HoldsRunsOfAnyLength) {
  for (size_t length : {1, 2, 3, 15, 16, 17, 100}) ExpectHolds(Runs(3000, length));
}

TEST(RowIdList, HoldsRandomIds) {
  std::mt19937_64 random(1);
  std::vector<uint64_t> ids(200'000);  // several chunks
  for (uint64_t& id : ids) id = random();
  ExpectHolds(ids);
}

TEST(RowIdList, HoldsLongRunsBeforeAndAfterSingleIds) {
  std::vector<uint64_t> ids = Runs(2, 70'000);
  std::mt19937_64 random(2);
  for (int i = 0; i < 20'000; ++i) ids.push_back(random());
  for (uint64_t id : Runs(1, 70'000)) ids.push_back(id);
  ExpectHolds(ids);
}

}  // namespace
}  // namespace pilum::permutation
