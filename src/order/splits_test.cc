#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pilum/error.h"
#include "pilum/order.h"

namespace pilum {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::HasSubstr;
using Sizes = std::vector<uint64_t>;

Sizes ByRatios(uint64_t rows, const std::vector<double>& ratios) {
  return SplitSizesByRatios(rows, ratios).ValueOrDie();
}

Sizes ByCounts(uint64_t rows, const std::vector<int64_t>& counts) {
  return SplitSizesByCounts(rows, counts).ValueOrDie();
}

uint64_t Total(const Sizes& sizes) {
  uint64_t total = 0;
  for (uint64_t size : sizes) total += size;
  return total;
}

void ExpectInvalid(const arrow::Result<Sizes>& sizes, const std::string& message) {
  ASSERT_FALSE(sizes.ok());
  EXPECT_EQ(GetErrorKind(sizes.status()), ErrorKind::kInvalidArgument);
  EXPECT_THAT(sizes.status().message(), HasSubstr(message));
}

void ExpectInvalidRatios(uint64_t rows, const std::vector<double>& ratios,
                         const std::string& message) {
  ExpectInvalid(SplitSizesByRatios(rows, ratios), message);
}

void ExpectInvalidCounts(uint64_t rows, const std::vector<int64_t>& counts,
                         const std::string& message) {
  ExpectInvalid(SplitSizesByCounts(rows, counts), message);
}

TEST(EqualSplitSizes, LeaveOutTheSurplus) {
  EXPECT_THAT(*EqualSplitSizes(100, 3), ElementsAre(33, 33, 33));
  EXPECT_THAT(*EqualSplitSizes(100, 4), ElementsAre(25, 25, 25, 25));
  EXPECT_THAT(*EqualSplitSizes(3, 3), ElementsAre(1, 1, 1));
  EXPECT_THAT(*EqualSplitSizes(UINT64_MAX, 1), ElementsAre(UINT64_MAX));
}

TEST(EqualSplitSizes, AreRefusedBelowOneRow) {
  ExpectInvalid(EqualSplitSizes(2, 3),
                "2 rows cannot be split into 3: there must be at least 1 row per split");
  ExpectInvalid(EqualSplitSizes(0, 1), "at least 1 row per split");
  ExpectInvalid(EqualSplitSizes(100, INT64_MAX), "at least 1 row per split");
  ExpectInvalid(EqualSplitSizes(100, 0), "0 splits: there must be at least 1");
  ExpectInvalid(EqualSplitSizes(100, -4), "-4 splits: there must be at least 1");
}

TEST(SplitSizesByCounts, AreTheCounts) {
  EXPECT_THAT(ByCounts(100, {60, 40}), ElementsAre(60, 40));
  EXPECT_THAT(ByCounts(100, {60, 1}), ElementsAre(60, 1));
}

TEST(SplitSizesByCounts, AreRefusedWhereRowsDoNotSuffice) {
  ExpectInvalidCounts(100, {60, 41}, "split 1 needs 41 rows, but only 40 of 100 rows are left");
  ExpectInvalidCounts(100, {INT64_MAX, INT64_MAX, INT64_MAX}, "split 0 needs");
  ExpectInvalidCounts(0, {1}, "split 0 needs 1 rows, but only 0 of 0 rows are left");
}

TEST(SplitSizesByCounts, AreAtLeastOne) {
  ExpectInvalidCounts(100, {60, 0}, "split 1 has the count 0: counts are at least 1");
  ExpectInvalidCounts(100, {-1}, "split 0 has the count -1");
  ExpectInvalidCounts(100, {}, "no counts");
}

TEST(SplitSizesByRatios, AreRoundedHalvesUpwards) {
  EXPECT_THAT(ByRatios(100, {.5}), ElementsAre(50));
  EXPECT_THAT(ByRatios(100, {.7, .2, .1}), ElementsAre(70, 20, 10));
  EXPECT_THAT(ByRatios(10, {.25, .35}), ElementsAre(3, 4));
  EXPECT_THAT(ByRatios(100, {.5, .25}), ElementsAre(50, 25));
  EXPECT_THAT(ByRatios(7, {1.}), ElementsAre(7));
}

TEST(SplitSizesByRatios, GiveUpRowsFromTheFirstSplitOn) {
  EXPECT_THAT(ByRatios(100, {.335, .335, .33}), ElementsAre(33, 34, 33));
  EXPECT_THAT(ByRatios(100, {.255, .745}), ElementsAre(25, 75));
}

TEST(SplitSizesByRatios, GetRowsThatAreLeftFromTheFirstSplitOn) {
  EXPECT_THAT(ByRatios(100, {1. / 3, 1. / 3, 1. / 3}), ElementsAre(34, 33, 33));
  EXPECT_THAT(ByRatios(100, {.333, .333, .333}), ElementsAre(34, 33, 33)) << "0.1 rows short of 1";
  EXPECT_THAT(ByRatios(1000, {.333, .333, .333}), ElementsAre(333, 333, 333)) << "one row short";
}

TEST(SplitSizesByRatios, LeaveNoSplitEmpty) {
  EXPECT_THAT(ByRatios(4, {.25, .375, .375}), ElementsAre(1, 1, 2));
}

TEST(SplitSizesByRatios, TolerateTheErrorsOfFloatingPoint) {
  EXPECT_THAT(ByRatios(30, std::vector<double>(30, 1. / 30)), Each(1));
  EXPECT_LT(1. / 49 * 49, 1);
  EXPECT_THAT(ByRatios(49, std::vector<double>(49, 1. / 49)), Each(1));
  EXPECT_THAT(ByRatios(10, {.1 + .2, .7}), ElementsAre(3, 7));
  EXPECT_GT(double{.2f} + double{.8f}, 1);
  EXPECT_THAT(ByRatios(10, {double{.2f}, double{.8f}}), ElementsAre(2, 8));
  EXPECT_THAT(ByRatios(10'000'000'000, {double{.2f}, double{.8f}}),
              ElementsAre(2'000'000'000, 8'000'000'000));
}

TEST(SplitSizesByRatios, UseAllRowsOfAnyNumber) {
  for (uint64_t rows = 10; rows < 3000; ++rows) {
    for (const auto& ratios : {std::vector<double>(7, 1. / 7), {.1, .2, .3, .4}, {.15, .85}}) {
      const auto sizes = ByRatios(rows, ratios);
      ASSERT_EQ(Total(sizes), rows);
      ASSERT_THAT(sizes, Each(Ge(1u)));
      for (size_t i = 0; i < sizes.size(); ++i) {
        ASSERT_LE(std::abs(ratios[i] * static_cast<double>(rows) - static_cast<double>(sizes[i])),
                  1.5);
      }
    }
  }
}

TEST(SplitSizesByRatios, UseAllOfTheMostRows) {
  for (uint64_t rows : {(uint64_t{1} << 53) + 1, kMaxOrderedRows - 1, kMaxOrderedRows}) {
    EXPECT_EQ(Total(ByRatios(rows, {1.})), rows);
    EXPECT_EQ(Total(ByRatios(rows, {.5, .5})), rows);
    EXPECT_EQ(Total(ByRatios(rows, {1. / 3, 1. / 3, 1. / 3})), rows);
  }
}

TEST(SplitSizesByRatios, AreRefusedOutsideOfTheirRange) {
  ExpectInvalidRatios(100, {.5, 1.5}, "split 1 has the ratio 1.5: ratios are between 0 and 1");
  ExpectInvalidRatios(100, {-.1}, "split 0 has the ratio -0.1");
  ExpectInvalidRatios(100, {std::nan("")}, "split 0 has the ratio nan");
  ExpectInvalidRatios(100, {.6, .5}, "the ratios of the splits sum to 1.1");
  ExpectInvalidRatios(100, {.5, .51}, "the ratios of the splits sum to 1.01");
  ExpectInvalidRatios(100, {1, .000002}, "the ratios of the splits sum to 1.000002");
  ExpectInvalidRatios(100, {}, "no ratios");
  ExpectInvalidRatios(kMaxOrderedRows + 1, {.5}, "at most 2^63");
}

TEST(SplitSizesByRatios, AreRefusedBelowOneRow) {
  ExpectInvalidRatios(100, {.5, .009},
                      "split 1 has the ratio 0.009, which of 100 rows rounds to 0 rows");
  ExpectInvalidRatios(100, {0.}, "rounds to 0 rows");
  ExpectInvalidRatios(1, {.9}, "rounds to 0 rows");
  ExpectInvalidRatios(0, {1.}, "rounds to 0 rows");
}

}  // namespace
}  // namespace pilum
