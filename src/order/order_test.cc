#include "pilum/order.h"

#include <set>

#include <gtest/gtest.h>

#include "order/test_bijection.h"
#include "pilum/error.h"

namespace pilum {
namespace {

using Rows = std::vector<uint64_t>;

RowOrder Shuffled(uint64_t rows, const ShuffleOptions& options) {
  return RowOrder::Shuffled(rows, options).ValueOrDie();
}

Rows RowsAt(const RowOrder& order, uint64_t first, uint64_t count) {
  Rows rows;
  for (uint64_t i = 0; i < count; ++i) rows.push_back(order.RowAt(first + i));
  return rows;
}

Rows AllRows(const RowOrder& order) { return RowsAt(order, 0, order.size()); }

bool IsBijection(const RowOrder& order) {
  return order::IsBijection(
      order.size(), [&](uint64_t position) { return order.RowAt(position); },
      [&](uint64_t row) { return order.PositionOf(row); });
}

/// Rows of a clump follow each other, wherever the clump is.
bool KeepsClumps(const RowOrder& order, uint64_t clump_size) {
  for (uint64_t row = 0; row < order.size(); ++row) {
    const uint64_t offset = row % clump_size;
    if (order.PositionOf(row) != order.PositionOf(row - offset) + offset) return false;
  }
  return true;
}

void ExpectFillIsRowAt(const RowOrder& order, uint64_t first, uint64_t count) {
  Rows filled(count);
  order.Fill(first, filled);
  EXPECT_EQ(filled, RowsAt(order, first, count)) << "from " << first << " of " << order.size();
}

TEST(RowOrder, StoredIsTheIdentity) {
  const auto order = RowOrder::Stored(5);
  EXPECT_EQ(order.size(), 5u);
  EXPECT_EQ(AllRows(order), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(order.PositionOf(3), 3u);
  ExpectFillIsRowAt(order, 1, 3);
}

TEST(RowOrder, OfNoRowsAndOfOne) {
  EXPECT_EQ(Shuffled(0, {}).size(), 0u);
  Shuffled(0, {}).Fill(0, {});
  EXPECT_EQ(AllRows(Shuffled(1, {.seed = 3})), Rows{0});
}

TEST(RowOrder, ShuffledIsABijectionOfEverySmallSize) {
  for (uint64_t rows = 0; rows <= 4096; ++rows) {
    ASSERT_TRUE(IsBijection(Shuffled(rows, {.seed = rows}))) << rows;
  }
}

TEST(RowOrder, ShuffledIsABijectionWhereTheMethodChanges) {
  for (uint64_t rows = 65533; rows <= 65539; ++rows) {
    ASSERT_TRUE(IsBijection(Shuffled(rows, {.epoch = 9}))) << rows;
  }
}

TEST(RowOrder, ClumpsOfEverySizeStayTogether) {
  for (uint64_t rows = 1; rows <= 120; ++rows) {
    for (uint64_t clump_size = 1; clump_size <= rows + 1; ++clump_size) {
      const auto order = Shuffled(rows, {.seed = rows, .clump_size = clump_size});
      ASSERT_TRUE(IsBijection(order)) << rows << " in clumps of " << clump_size;
      ASSERT_TRUE(KeepsClumps(order, clump_size)) << rows << " in clumps of " << clump_size;
      Rows filled(rows);
      order.Fill(0, filled);
      ASSERT_EQ(filled, AllRows(order)) << rows << " in clumps of " << clump_size;
    }
  }
}

TEST(RowOrder, ManyClumpsStayTogether) {
  for (uint64_t rows : {131'071, 131'072, 200'000, 200'001, 200'002}) {
    for (uint64_t clump_size : {2, 3, 7, 1000}) {
      const auto order = Shuffled(rows, {.seed = 1, .clump_size = clump_size});
      ASSERT_TRUE(IsBijection(order)) << rows << " in clumps of " << clump_size;
      ASSERT_TRUE(KeepsClumps(order, clump_size)) << rows << " in clumps of " << clump_size;
    }
  }
}

TEST(RowOrder, TheShortClumpComesAnywhere) {
  std::set<uint64_t> positions;
  for (uint64_t epoch = 0; epoch < 100; ++epoch) {
    positions.insert(Shuffled(17, {.epoch = epoch, .clump_size = 5}).PositionOf(15));
  }
  EXPECT_EQ(positions, (std::set<uint64_t>{0, 5, 10, 15}));
}

TEST(RowOrder, AClumpAsLargeAsTheTableIsTheStoredOrder) {
  EXPECT_EQ(AllRows(Shuffled(4, {.clump_size = 4})), (Rows{0, 1, 2, 3}));
  EXPECT_EQ(AllRows(Shuffled(4, {.clump_size = UINT64_MAX})), (Rows{0, 1, 2, 3}));
}

TEST(RowOrder, HoldsAsManyRowsAsAreAllowed) {
  for (uint64_t clump_size : {uint64_t{1}, uint64_t{7}, uint64_t{1} << 20, (uint64_t{1} << 62) + 1,
                              kMaxOrderedRows - 1}) {
    const auto order = Shuffled(kMaxOrderedRows, {.seed = 5, .clump_size = clump_size});
    for (uint64_t i = 0; i < 10'000; ++i) {
      for (uint64_t position : {i, order.size() - 1 - i, order.size() / 10'000 * i}) {
        ASSERT_LT(order.RowAt(position), order.size());
        ASSERT_EQ(order.PositionOf(order.RowAt(position)), position);
      }
    }
    ExpectFillIsRowAt(order, order.size() - 1000, 1000);
  }
}

TEST(RowOrder, FillIsRowAtFromAnywhere) {
  for (uint64_t rows : {1000, 100'000, 300'000}) {
    for (uint64_t clump_size : {1, 2, 64, 999}) {
      const auto order = Shuffled(rows, {.seed = 2, .clump_size = clump_size});
      for (uint64_t count : {0, 1, 7, 8, 9, 500}) {
        for (uint64_t first : {uint64_t{0}, uint64_t{1}, uint64_t{437}, rows - count}) {
          ExpectFillIsRowAt(order, first, count);
        }
      }
    }
  }
}

TEST(RowOrder, SeedsAndEpochsGiveOrdersOfTheirOwn) {
  for (uint64_t rows : {1000, 100'000}) {
    std::set<Rows> orders;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      for (uint64_t epoch = 0; epoch < 20; ++epoch) {
        orders.insert(RowsAt(Shuffled(rows, {.seed = seed, .epoch = epoch}), 0, 50));
      }
    }
    EXPECT_EQ(orders.size(), 400u) << "20 * 20 pairs, most of which have the sum of another one";
  }
  EXPECT_NE(AllRows(Shuffled(1000, {.seed = 100003})), AllRows(Shuffled(1000, {.epoch = 1})));
}

TEST(RowOrder, IsTheSameEachTime) {
  const auto order = Shuffled(1000, {.seed = 1, .epoch = 2, .clump_size = 3});
  const RowOrder copy = order;  // NOLINT(performance-unnecessary-copy-initialization): on purpose
  EXPECT_EQ(AllRows(order), AllRows(copy));
  EXPECT_EQ(AllRows(order), AllRows(Shuffled(1000, {.seed = 1, .epoch = 2, .clump_size = 3})));
}

TEST(RowOrder, OfWrongOptionsIsAnError) {
  const auto no_clump = RowOrder::Shuffled(10, {.clump_size = 0}).status();
  EXPECT_EQ(GetErrorKind(no_clump), ErrorKind::kInvalidArgument);
  EXPECT_EQ(no_clump.message(), "a clump size of 0: it must be at least 1");
  const auto too_many = RowOrder::Shuffled(kMaxOrderedRows + 1, {}).status();
  EXPECT_EQ(GetErrorKind(too_many), ErrorKind::kInvalidArgument);
  EXPECT_EQ(too_many.message(), "9223372036854775809 rows cannot be shuffled: at most 2^63 can");
}

// Runs are resumed with these orders. They were computed by a program of its own, after the
// comments in the headers, and must never change.
TEST(RowOrder, IsFrozen) {
  struct Golden {
    uint64_t rows;
    ShuffleOptions options;
    Rows first;
    uint64_t last;
  };
  const Golden goldens[] = {
      {10, {.seed = 0, .epoch = 0, .clump_size = 1}, {4, 7, 8, 9, 6, 1, 2, 0, 3, 5}, 5},
      {10, {.seed = 0, .epoch = 1, .clump_size = 1}, {4, 9, 5, 2, 0, 8, 1, 7, 3, 6}, 6},
      {10, {.seed = 1, .epoch = 0, .clump_size = 1}, {2, 4, 8, 0, 1, 7, 9, 6, 5, 3}, 3},
      {10, {.seed = 0, .epoch = 0, .clump_size = 3}, {3, 4, 5, 6, 7, 8, 9, 0, 1, 2}, 2},
      {65535, {.seed = 7, .epoch = 3, .clump_size = 1}, {57392, 15620, 50756, 60154}, 35005},
      {65536, {.seed = 7, .epoch = 3, .clump_size = 1}, {2021, 36290, 26481, 27080}, 20384},
      {1000000, {.seed = 0, .epoch = 0, .clump_size = 1}, {171695, 73941, 812662, 723486}, 5540},
      {1000000, {.seed = 42, .epoch = 1, .clump_size = 1}, {36777, 494731, 158631, 19648}, 297618},
      {200002, {.seed = 5, .epoch = 2, .clump_size = 3}, {194025, 194026, 194027, 149628}, 66320},
      {100000000000,
       {.seed = 7, .epoch = 3, .clump_size = 1},
       {11060818117, 69671381973, 98006600510, 1813520390},
       8257310693},
      {4294967295,
       {.seed = 7, .epoch = 3, .clump_size = 1},
       {3059676667, 4053529415, 982113222, 631028926},
       2373798558},
      {4294967297,
       {.seed = 7, .epoch = 3, .clump_size = 1},
       {2005962253, 3664374931, 2114280962, 2306035457},
       273713053},
      {kMaxOrderedRows,
       {.seed = 7, .epoch = 3, .clump_size = 1},
       {1104556185354755232, 5373330722032467300, 5617137642971889628, 9051733393615884338},
       3996069514028743811},
      {kMaxOrderedRows,
       {.seed = UINT64_MAX, .epoch = UINT64_MAX, .clump_size = 1},
       {1370142788071229578, 6280658396538511501, 598959044954089858, 2429320836293035537},
       9217010302270278882},
  };
  for (const auto& [rows, options, first, last] : goldens) {
    const auto order = Shuffled(rows, options);
    EXPECT_EQ(RowsAt(order, 0, first.size()), first) << rows;
    EXPECT_EQ(order.RowAt(rows - 1), last) << rows;
  }
}

}  // namespace
}  // namespace pilum
