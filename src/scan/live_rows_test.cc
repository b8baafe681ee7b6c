#include "scan/live_rows.h"

#include <gtest/gtest.h>

#include <random>

namespace pilum::scan {
namespace {

using Runs = std::vector<file::Run>;

/// The rows that runs stand for; checks that slots count from 0 and that runs could not be longer.
std::vector<uint64_t> RowsOf(const Runs& runs) {
  std::vector<uint64_t> rows;
  uint64_t end = ~uint64_t{0};
  for (const auto& run : runs) {
    EXPECT_GT(run.count, 0u);
    EXPECT_NE(run.row, end) << "two runs where one would do";
    EXPECT_EQ(run.slot, static_cast<int64_t>(rows.size()));
    for (uint32_t i = 0; i < run.count; ++i) rows.push_back(run.row + i);
    end = run.row + run.count;
  }
  return rows;
}

struct Fragment {
  std::vector<uint32_t> deleted;
  std::vector<uint64_t> live;
};

Fragment RandomFragment(std::mt19937* random, uint32_t rows) {
  Fragment fragment;
  const uint32_t share = (*random)() % 11;
  for (uint32_t row = 0; row < rows; ++row) {
    if ((*random)() % 10 < share) {
      fragment.deleted.push_back(row);
    } else {
      fragment.live.push_back(row);
    }
  }
  return fragment;
}

TEST(LiveRuns, AreTheRowsThatAreNotDeleted) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    const Fragment fragment = RandomFragment(&random, 1 + random() % 60);
    const dataset::DeletionVector deletions(fragment.deleted);
    const uint64_t live = fragment.live.size();
    for (uint64_t first = 0; first < live; first += 1 + random() % 4) {
      const uint64_t count = random() % (live - first + 1);
      const auto begin = fragment.live.begin() + static_cast<long>(first);
      EXPECT_EQ(RowsOf(LiveRuns(deletions, first, count)),
                (std::vector<uint64_t>(begin, begin + static_cast<long>(count))));
    }
  }
}

TEST(LiveRuns, NothingIsNoRun) {
  EXPECT_TRUE(LiveRuns(dataset::DeletionVector(), 5, 0).empty());
  EXPECT_TRUE(LiveRuns(dataset::DeletionVector({0, 1, 2}), 0, 0).empty());
}

TEST(SelectRuns, AreTheRowsAtThePositions) {
  std::mt19937 random(2);
  for (int round = 0; round < 300; ++round) {
    const Fragment fragment = RandomFragment(&random, 1 + random() % 60);
    const Runs runs = LiveRuns(dataset::DeletionVector(fragment.deleted), 0, fragment.live.size());
    std::vector<uint32_t> positions;
    std::vector<uint64_t> expected;
    const uint32_t share = random() % 11;
    for (uint32_t i = 0; i < fragment.live.size(); ++i) {
      if (random() % 10 >= share) continue;
      positions.push_back(i);
      expected.push_back(fragment.live[i]);
    }
    EXPECT_EQ(RowsOf(SelectRuns(runs, positions)), expected);
  }
}

}  // namespace
}  // namespace pilum::scan
