#include "rows/row_set.h"

#include <algorithm>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace pilum::rows {
namespace {

using Rows = std::vector<uint64_t>;

/// Added in parts of `part` rows.
RowSet SetOf(const Rows& rows, size_t part = 1000) {
  RowSet::Builder builder;
  for (size_t first = 0; first < rows.size(); first += part)
    builder.Add(std::span(rows).subspan(first, std::min(part, rows.size() - first)));
  return builder.Finish();
}

void ExpectHolds(const RowSet& set, const Rows& rows) {
  ASSERT_EQ(set.size(), rows.size());
  for (size_t rank = 0; rank < rows.size(); ++rank) {
    ASSERT_EQ(set.RowAt(rank), rows[rank]) << rank;
    ASSERT_EQ(set.RankOf(rows[rank]), rank);
    if (rank + 1 < rows.size() && rows[rank] + 1 < rows[rank + 1]) {
      ASSERT_EQ(set.RankOf(rows[rank] + 1), std::nullopt);
    }
  }
}

TEST(RowSet, OfNoRows) {
  EXPECT_EQ(RowSet().size(), 0u);
  EXPECT_EQ(RowSet().RankOf(0), std::nullopt);
  EXPECT_EQ(SetOf({}).size(), 0u);
}

TEST(RowSet, OfRowsFarApart) {
  const Rows rows = {
      0, 1, 65'535, 65'536, (1u << 22) - 1, 1u << 22, uint64_t{1} << 40, (uint64_t{1} << 40) + 2};
  for (size_t part : {1u, 3u, 100u}) ExpectHolds(SetOf(rows, part), rows);
}

TEST(RowSet, OfRowsAtRandom) {
  std::mt19937_64 random(5);
  for (uint64_t one_in : {1u, 2u, 3u, 100u, 100'000u}) {
    Rows rows;
    for (uint64_t row = 0; row < 9'000'000; ++row)
      if (random() % one_in == 0 && (one_in > 3 || row % 4'000'000 < 200'000)) rows.push_back(row);
    ExpectHolds(SetOf(rows), rows);
  }
}

TEST(RowSet, TakesLittleMemory) {
  constexpr uint64_t kTable = 9'000'000;
  const auto bits_per_row = [](auto&& chosen) {
    Rows rows;
    for (uint64_t row = 0; row < kTable; ++row)
      if (chosen(row)) rows.push_back(row);
    return static_cast<double>(SetOf(rows).memory_bytes()) * 8 / kTable;
  };
  EXPECT_LE(bits_per_row([](uint64_t row) { return row % 3 == 0; }), 1.05);
  EXPECT_LE(bits_per_row([](uint64_t row) { return row % 3 != 0; }), 1.05);
  EXPECT_LE(bits_per_row([](uint64_t row) { return row % 1000 == 0; }), 0.03);
  EXPECT_LE(bits_per_row([](uint64_t row) { return row % 1000 != 0; }), 0.05);
  EXPECT_LE(bits_per_row([](uint64_t row) { return row / 1000 % 2 == 0; }), 0.03);
  EXPECT_LE(bits_per_row([](uint64_t) { return true; }), 0.02);
  EXPECT_LE(SetOf({5, 1'000'000'000}).memory_bytes(), 1000u);
}

}  // namespace
}  // namespace pilum::rows
