#include "order/fisher_yates.h"

#include <gtest/gtest.h>

#include "order/test_bijection.h"

namespace pilum::order {
namespace {

TEST(FisherYates, IsABijectionOfEverySmallSize) {
  for (uint64_t size = 0; size <= 4096; ++size) {
    ASSERT_TRUE(IsBijection(size, FisherYates(size, size))) << size;
  }
}

TEST(FisherYates, IsABijectionOfTheLargestSizeInUse) {
  EXPECT_TRUE(IsBijection(65535, FisherYates(65535, 7)));
}

TEST(FisherYates, FillsWithWhatIsAtEachPosition) {
  const FisherYates shuffle(100, 7);
  std::vector<uint64_t> filled(90);
  shuffle.Fill(10, filled);
  for (uint64_t i = 0; i < filled.size(); ++i) EXPECT_EQ(filled[i], shuffle.At(10 + i));
}

}  // namespace
}  // namespace pilum::order
