#include "order/feistel.h"

#include <set>

#include <gtest/gtest.h>

#include "order/test_bijection.h"

namespace pilum::order {
namespace {

TEST(Feistel, IsABijectionOfEverySmallSize) {
  for (uint64_t size = 1; size <= 4096; ++size) {
    ASSERT_TRUE(IsBijection(size, Feistel(size, size))) << size;
  }
}

TEST(Feistel, IsABijectionAroundSquaresAndPowers) {
  for (uint64_t middle : {1 << 16, 1 << 18, 999 * 1000, 1'000'000}) {
    for (uint64_t size = middle - 1; size <= middle + 1; ++size) {
      ASSERT_TRUE(IsBijection(size, Feistel(size, 7))) << size;
    }
  }
  ASSERT_TRUE(IsBijection(1 << 20, Feistel(1 << 20, 7)));
  ASSERT_TRUE(IsBijection((1 << 20) + 1, Feistel((1 << 20) + 1, 7)));
}

TEST(Feistel, IsABijectionWhateverTheKey) {
  for (uint64_t key = 0; key < 1000; ++key) {
    ASSERT_TRUE(IsBijection(1000, Feistel(1000, key))) << key;
  }
}

TEST(Feistel, OfLargeSizesIsInvertible) {
  constexpr uint64_t kSizes[] = {(uint64_t{1} << 32) - 1,
                                 uint64_t{1} << 32,
                                 (uint64_t{1} << 32) + 1,
                                 100'000'000'000,
                                 (uint64_t{1} << 63) - 1,
                                 uint64_t{1} << 63,
                                 UINT64_MAX};
  for (uint64_t size : kSizes) {
    const Feistel shuffle(size, 7);
    SplitMix64 random(size);
    std::set<uint64_t> numbers;
    for (int i = 0; i < 30'000; ++i) {
      // A third each: from the first number on, up to the last one, and anywhere.
      const uint64_t position = i < 10'000   ? static_cast<uint64_t>(i)
                                : i < 20'000 ? size - 1 - (static_cast<uint64_t>(i) - 10'000)
                                             : Reduce(random.Next(), size);
      const uint64_t number = shuffle.At(position);
      ASSERT_LT(number, size);
      ASSERT_EQ(shuffle.PositionOf(number), position) << size;
      ASSERT_EQ(shuffle.At(shuffle.PositionOf(position)), position) << size;
      numbers.insert(number);
    }
    EXPECT_GT(numbers.size(), 29'900u) << "more than a few of the random positions are equal";
  }
}

TEST(Feistel, FillsWithWhatIsAtEachPosition) {
  for (uint64_t size : {1, 2, 7, 8, 9, 100, 70'000}) {
    const Feistel shuffle(size, 7);
    for (uint64_t first = 0; first < std::min<uint64_t>(size, 20); ++first) {
      std::vector<uint64_t> filled(size - first);
      shuffle.Fill(first, filled);
      for (uint64_t i = 0; i < filled.size(); ++i) ASSERT_EQ(filled[i], shuffle.At(first + i));
    }
  }
}

}  // namespace
}  // namespace pilum::order
