#include "order/hash.h"

#include <gtest/gtest.h>

#include "order/divisor.h"

namespace pilum::order {
namespace {

// The first numbers that the authors' program gives: https://prng.di.unimi.it/splitmix64.c
TEST(SplitMix64, IsTheOneThatIsKnown) {
  SplitMix64 numbers(1234567);
  EXPECT_EQ(numbers.Next(), 6457827717110365317u);
  EXPECT_EQ(numbers.Next(), 3203168211198807973u);
  EXPECT_EQ(numbers.Next(), 9817491932198370423u);
  EXPECT_EQ(numbers.Next(), 4593380528125082431u);
  EXPECT_EQ(numbers.Next(), 16408922859458223821u);
}

TEST(ShuffleKey, IsFrozen) {
  EXPECT_EQ(ShuffleKey(0, 0, 0), 0x238275bc38fcbe91u);
  EXPECT_EQ(ShuffleKey(0, 0, 1), 0x421daf3033e887a3u);
  EXPECT_EQ(ShuffleKey(0, 1, 0), 0x94926c2e801cb6f9u);
  EXPECT_EQ(ShuffleKey(1, 0, 0), 0xb18a02f46d8d86c3u);
  EXPECT_EQ(ShuffleKey(UINT64_MAX, UINT64_MAX, uint64_t{1} << 63), 0x0e820546a9db7539u);
}

TEST(Reduce, CoversTheRangeAndNothingElse) {
  EXPECT_EQ(Reduce(0, 1), 0u);
  EXPECT_EQ(Reduce(UINT64_MAX, 1), 0u);
  EXPECT_EQ(Reduce(UINT64_MAX, 10), 9u);
  EXPECT_EQ(Reduce(uint64_t{1} << 63, 10), 5u);
  EXPECT_EQ(Reduce(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
}

TEST(Divisor, DividesLikeTheOperator) {
  std::vector<uint64_t> values;
  for (int bit = 0; bit < 64; ++bit) {
    for (uint64_t near : {-2, -1, 0, 1, 2}) values.push_back((uint64_t{1} << bit) + near);
  }
  SplitMix64 random(1);
  for (int i = 0; i < 500; ++i) values.push_back(random.Next() >> i % 64);
  for (uint64_t divisor : values) {
    if (divisor == 0) continue;
    for (uint64_t dividend : values) {
      auto [quotient, remainder] = Divisor(divisor).Divide(dividend);
      ASSERT_EQ(quotient, dividend / divisor) << dividend << " / " << divisor;
      ASSERT_EQ(remainder, dividend % divisor) << dividend << " % " << divisor;
    }
  }
}

}  // namespace
}  // namespace pilum::order
