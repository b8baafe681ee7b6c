// How random the order of an epoch is.
//
// Each measure is a z-score: how far it is from its mean over uniformly random orders, in standard
// deviations. Of such orders one score in twenty is beyond -2 and 2, and one in 16,000 beyond -4 and
// 4. Seeds are fixed, so the scores are always the same; the test prints them.
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

#include "order/hash.h"
#include "pilum/order.h"

namespace pilum {
namespace {

using Order = std::vector<uint64_t>;
constexpr double kLimit = 4;

/// What a row is to a measure: the number of its class, e.g. its tenth of the table.
uint64_t Class(uint64_t row, uint64_t rows, uint64_t classes) { return row * classes / rows; }

/// Of a sum of squares of `degrees` independent normal variables (Wilson and Hilferty, 1931).
double ScoreOfChiSquare(double chi_square, double degrees) {
  const double variance = 2 / (9 * degrees);
  return (std::cbrt(chi_square / degrees) - (1 - variance)) / std::sqrt(variance);
}

/// Counts that should be equal.
double ScoreOfCounts(const std::vector<uint64_t>& counts, double degrees) {
  const double expected =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), uint64_t{0})) /
      static_cast<double>(counts.size());
  double chi_square = 0;
  for (uint64_t count : counts) chi_square += std::pow(static_cast<double>(count) - expected, 2);
  return ScoreOfChiSquare(chi_square / expected, degrees);
}

constexpr uint64_t kPairClasses = 32;
constexpr uint64_t kPairs = kPairClasses * kPairClasses;

uint64_t PairOf(uint64_t row, uint64_t other, uint64_t rows) {
  return Class(row, rows, kPairClasses) * kPairClasses + Class(other, rows, kPairClasses);
}

/// Of pairs in which every class is as frequent as the others.
double ScoreOfPairs(const std::vector<uint64_t>& counts) {
  return ScoreOfCounts(counts, (kPairClasses - 1) * (kPairClasses - 1));
}

/// Rows that come `lag` positions after each other.
double ScoreOfPairsApart(const Order& order, uint64_t lag) {
  std::vector<uint64_t> counts(kPairs);
  for (uint64_t i = lag; i < order.size(); ++i) {
    ++counts[PairOf(order[i - lag], order[i], order.size())];
  }
  return ScoreOfPairs(counts);
}

/// Rows at the same position of two orders.
double ScoreOfSamePosition(const Order& order, const Order& other) {
  std::vector<uint64_t> counts(kPairs);
  const uint64_t rows = std::max(order.size(), other.size());
  for (uint64_t i = 0; i < order.size(); ++i) ++counts[PairOf(order[i], other[i], rows)];
  return ScoreOfPairs(counts);
}

double ScoreOfSerialCorrelation(const Order& order, uint64_t lag) {
  const auto rows = static_cast<double>(order.size());
  const double mean = (rows - 1) / 2;
  const double variance = (rows * rows - 1) / 12;
  double sum = 0;
  for (uint64_t i = lag; i < order.size(); ++i) {
    sum += (static_cast<double>(order[i - lag]) - mean) * (static_cast<double>(order[i]) - mean);
  }
  return sum / variance / std::sqrt(rows);
}

/// How far rows are from where they are stored (Spearman's footrule; Diaconis and Graham, 1977).
double ScoreOfDisplacement(const Order& order) {
  const auto rows = static_cast<double>(order.size());
  double sum = 0;
  for (uint64_t i = 0; i < order.size(); ++i) {
    sum += std::abs(static_cast<double>(order[i]) - static_cast<double>(i));
  }
  const double variance = (rows + 1) * (2 * rows * rows + 7) / 45;
  return (sum - (rows * rows - 1) / 3) / std::sqrt(variance);
}

/// Rows whose successor is stored within 16 rows of them; about 32, distributed as by Poisson.
double ScoreOfNearNeighbours(const Order& order) {
  double count = 0;
  for (uint64_t i = 1; i < order.size(); ++i) {
    count += std::max(order[i - 1], order[i]) - std::min(order[i - 1], order[i]) <= 16;
  }
  return (count - 32) / std::sqrt(32);
}

/// How the ten classes of rows are distributed over batches of 256.
template <typename ClassOf>
double ScoreOfBatches(const Order& order, const ClassOf& class_of) {
  const uint64_t batches = order.size() / 256;
  std::array<double, 10> expected = {};
  for (uint64_t i = 0; i < batches * 256; ++i) {
    expected[class_of(order[i])] += 1 / static_cast<double>(batches);
  }
  double chi_square = 0;
  for (uint64_t batch = 0; batch < batches; ++batch) {
    std::array<double, 10> counts = {};
    for (uint64_t i = 0; i < 256; ++i) ++counts[class_of(order[batch * 256 + i])];
    for (int c = 0; c < 10; ++c) chi_square += std::pow(counts[c] - expected[c], 2) / expected[c];
  }
  return ScoreOfChiSquare(chi_square, static_cast<double>((batches - 1) * 9));
}

struct Score {
  const char* measure;
  double value;
};

/// Of `count` orders of `rows` rows, which `next` gives one after the other. The radix of the
/// Feistel network is where a pattern of its own would show.
std::vector<Score> Measure(uint64_t rows, int count, const std::function<Order()>& next) {
  const auto radix = static_cast<uint64_t>(std::ceil(std::sqrt(rows)));
  std::vector<Score> scores = {{"pairs of rows, one after the other"},
                               {"pairs of rows, sqrt(n) apart"},
                               {"serial correlation"},
                               {"serial correlation, sqrt(n) apart"},
                               {"distance from the stored place"},
                               {"neighbours stored together"},
                               {"batches of a table sorted by class"},
                               {"batches, classes of n mod sqrt(n)"},
                               {"the same position, next epoch"}};
  Order order = next();
  for (int i = 0; i < count; ++i) {
    const Order other = next();
    const double values[] = {
        ScoreOfPairsApart(order, 1),
        ScoreOfPairsApart(order, radix),
        ScoreOfSerialCorrelation(order, 1),
        ScoreOfSerialCorrelation(order, radix),
        ScoreOfDisplacement(order),
        ScoreOfNearNeighbours(order),
        ScoreOfBatches(order, [&](uint64_t row) { return Class(row, rows, 10); }),
        ScoreOfBatches(order, [&](uint64_t row) { return Class(row % radix, radix, 10); }),
        ScoreOfSamePosition(order, other)};
    for (size_t m = 0; m < scores.size(); ++m) scores[m].value += values[m] / std::sqrt(count);
    order = other;
  }
  return scores;
}

/// Successive epochs of one seed.
auto Epochs(uint64_t rows) {
  return [rows, epoch = uint64_t{0}]() mutable {
    Order order(rows);
    RowOrder::Shuffled(rows, {.seed = 1, .epoch = epoch++}).ValueOrDie().Fill(0, order);
    return order;
  };
}

/// The usual way: Fisher and Yates with the Mersenne Twister.
auto UsualShuffles(uint64_t rows) {
  return [rows, random = std::mt19937_64(1)]() mutable {
    Order order(rows);
    std::iota(order.begin(), order.end(), uint64_t{0});
    for (uint64_t left = rows; left > 1; --left) {
      std::swap(order[left - 1], order[order::Reduce(random(), left)]);
    }
    return order;
  };
}

/// Row i comes at i * step modulo rows: every row once, and nothing random about it.
auto Steps(uint64_t rows) {
  return [rows, step = static_cast<uint64_t>(static_cast<double>(rows) * 0.618)]() mutable {
    while (std::gcd(++step, rows) != 1) continue;
    Order order(rows);
    for (uint64_t i = 0; i < rows; ++i) order[i] = i * step % rows;
    return order;
  };
}

/// Rows wait in a buffer; one of them at random comes, and the next stored row takes its place.
auto BufferedShuffles(uint64_t rows) {
  return [rows, random = std::mt19937_64(1)]() mutable {
    Order order;
    Order buffer(1000);
    std::iota(buffer.begin(), buffer.end(), uint64_t{0});
    for (uint64_t next = buffer.size(); order.size() < rows; ++next) {
      uint64_t& place = buffer[order::Reduce(random(), buffer.size())];
      order.push_back(place);
      place = next < rows ? next : buffer.back();
      if (next >= rows) buffer.pop_back();
    }
    return order;
  };
}

class ShuffleQuality : public ::testing::TestWithParam<uint64_t> {};

TEST_P(ShuffleQuality, OfWholeEpochsIsThatOfTheUsualShuffle) {
  const uint64_t rows = GetParam();
  const int count = static_cast<int>(10'000'000 / rows);
  const auto scores = Measure(rows, count, Epochs(rows));
  const auto usual = Measure(rows, count, UsualShuffles(rows));
  for (size_t m = 0; m < scores.size(); ++m) {
    std::printf("%9lu rows  %-36s %6.2f  (usual %5.2f)\n", rows, scores[m].measure, scores[m].value,
                usual[m].value);
    EXPECT_LT(std::abs(scores[m].value), kLimit) << scores[m].measure;
    EXPECT_LT(std::abs(usual[m].value), kLimit) << scores[m].measure << ": the measure is wrong";
  }
}

TEST_P(ShuffleQuality, OfTheFirstPositionsIsUniform) {
  const uint64_t rows = GetParam();
  std::vector<uint64_t> first(100);
  std::vector<uint64_t> last(100);
  std::vector<uint64_t> position(100);
  std::vector<uint64_t> pair(kPairs);
  for (uint64_t epoch = 0; epoch < 100'000; ++epoch) {
    const auto order = RowOrder::Shuffled(rows, {.seed = 1, .epoch = epoch}).ValueOrDie();
    ++first[Class(order.RowAt(0), rows, 100)];
    ++last[Class(order.RowAt(rows - 1), rows, 100)];
    ++position[Class(order.PositionOf(0), rows, 100)];
    ++pair[PairOf(order.RowAt(0), order.RowAt(1), rows)];
  }
  const Score scores[] = {{"first row of 100,000 epochs", ScoreOfCounts(first, 99)},
                          {"last row of 100,000 epochs", ScoreOfCounts(last, 99)},
                          {"position of row 0", ScoreOfCounts(position, 99)},
                          {"first two rows", ScoreOfCounts(pair, kPairs - 1)}};
  for (const auto& [measure, value] : scores) {
    std::printf("%9lu rows  %-36s %6.2f\n", rows, measure, value);
    EXPECT_LT(std::abs(value), kLimit) << measure;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, ShuffleQuality, ::testing::Values(70'000, 1'000'000, 10'000'000),
                         ::testing::PrintToStringParamName());

TEST(Shuffle, MeasuresFindOrdersThatAreNotRandom) {
  const auto steps = Measure(70'000, 1, Steps(70'000));
  const auto buffered = Measure(70'000, 1, BufferedShuffles(70'000));
  for (size_t m = 0; m < steps.size(); ++m) {
    EXPECT_GT(std::max(std::abs(steps[m].value), std::abs(buffered[m].value)), 3 * kLimit)
        << steps[m].measure;
  }
}

TEST(Shuffle, OfFewRowsIsUniformOverAllOrders) {
  std::vector<uint64_t> counts(625);
  for (uint64_t epoch = 0; epoch < 120'000; ++epoch) {
    const auto order = RowOrder::Shuffled(5, {.seed = 1, .epoch = epoch}).ValueOrDie();
    uint64_t number = 0;
    for (uint64_t i = 0; i < 4; ++i) number = number * 5 + order.RowAt(i);
    ++counts[number];
  }
  std::erase(counts, 0);
  ASSERT_EQ(counts.size(), 120u) << "orders of 5 rows";
  EXPECT_LT(std::abs(ScoreOfCounts(counts, 119)), kLimit);
}

TEST(Shuffle, OfTablesOfSimilarSizesIsNotSimilar) {
  Order order(100'000);
  Order other(100'001);
  RowOrder::Shuffled(order.size(), {.seed = 1}).ValueOrDie().Fill(0, order);
  RowOrder::Shuffled(other.size(), {.seed = 1}).ValueOrDie().Fill(0, other);
  EXPECT_LT(std::abs(ScoreOfSamePosition(order, other)), kLimit);
}

}  // namespace
}  // namespace pilum
