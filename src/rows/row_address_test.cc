#include "rows/row_address.h"

#include <gtest/gtest.h>

namespace pilum::rows {
namespace {

TEST(RowAddress, HoldsFragmentAbove32BitsOfOffset) {
  EXPECT_EQ(MakeRowAddress(3, 17), 3ull * 4294967296 + 17);
  EXPECT_EQ(FragmentOf(MakeRowAddress(3, 17)), 3u);
  EXPECT_EQ(OffsetOf(MakeRowAddress(3, 17)), 17u);
}

TEST(RowAddress, KeepsTheLargestFragmentAndOffset) {
  EXPECT_EQ(MakeRowAddress(UINT32_MAX, UINT32_MAX), UINT64_MAX);
  EXPECT_EQ(FragmentOf(UINT64_MAX), UINT32_MAX);
  EXPECT_EQ(OffsetOf(UINT64_MAX), UINT32_MAX);
}

TEST(RowAddress, IsDescribedInWords) {
  EXPECT_EQ(DescribeRowAddress(MakeRowAddress(3, 17)), "row 17 of fragment 3");
}

}  // namespace
}  // namespace pilum::rows
