#include "scan/row_size.h"

#include <gtest/gtest.h>

#include "scan/test_dataset.h"

namespace pilum::scan {
namespace {

constexpr uint64_t kUnit = 1 << 20;

class UnitSizerTest : public testing::Test {
 protected:
  std::shared_ptr<const DatasetReader> dataset_ = OpenGolden(GoldenStore("mixed-2.2"));
  std::shared_ptr<const Projection> projection_ = FullPlan(dataset_).projection;

  uint64_t Rows(UnitSizer* sizer, size_t fragment = 0) {
    return sizer->UnitRows(*dataset_, *projection_, fragment);
  }
};

TEST_F(UnitSizerTest, FixedWidthsAreKnown) {
  const auto addresses = AddressPlan(dataset_).projection;
  const RowSize size = EstimateRowSize(*dataset_, *addresses, 0);
  EXPECT_EQ(size.bytes, 8u);
  EXPECT_TRUE(size.exact);
  UnitSizer sizer(size, kUnit);
  EXPECT_EQ(Rows(&sizer), kUnit / 8);
  sizer.Observe(0, 1, 1 << 30);  // cannot be
  EXPECT_EQ(Rows(&sizer), kUnit / 8);
}

TEST_F(UnitSizerTest, RowsOfAnySizeBeginWithFew) {
  const RowSize size = EstimateRowSize(*dataset_, *projection_, 0);
  EXPECT_FALSE(size.exact);
  UnitSizer sizer(size, kUnit << 20);
  EXPECT_EQ(Rows(&sizer), 1024u);
  sizer.Observe(0, 1024, 1024 * 100);
  EXPECT_EQ(sizer.row_bytes(), 100u);
  EXPECT_GT(Rows(&sizer), 1'000'000u);
}

TEST_F(UnitSizerTest, LargeRowsMakeSmallUnits) {
  UnitSizer sizer({.bytes = 10, .exact = false}, kUnit);
  Rows(&sizer);
  sizer.Observe(0, 100, 100 * kUnit / 4);
  EXPECT_EQ(Rows(&sizer), 4u);
  sizer.Observe(0, 4, 4 * kUnit * 3);
  EXPECT_EQ(Rows(&sizer), 1u);
}

TEST_F(UnitSizerTest, ADifferentFragmentIsBegunAnew) {
  const auto dataset = OpenGolden(GoldenStore("history-2.2"));
  const auto projection = FullPlan(dataset).projection;
  UnitSizer sizer(EstimateRowSize(*dataset, *projection, 0), kUnit << 20);
  sizer.UnitRows(*dataset, *projection, 0);
  sizer.Observe(0, 10, 10);
  EXPECT_GT(sizer.UnitRows(*dataset, *projection, 0), 1024u);
  EXPECT_EQ(sizer.UnitRows(*dataset, *projection, 1), 1024u);
}

TEST_F(UnitSizerTest, UnitsAreWholeBatches) {
  UnitSizer sizer({.bytes = 100, .exact = true}, kUnit, 1000);
  EXPECT_EQ(Rows(&sizer), 10'000u);
  UnitSizer large({.bytes = 100, .exact = true}, kUnit, 1 << 20);
  EXPECT_EQ(Rows(&large), uint64_t{1} << 20);
  UnitSizer most({.bytes = 1, .exact = true}, kUnit, uint64_t{1} << 40);
  EXPECT_EQ(Rows(&most), uint64_t{UINT32_MAX});
}

TEST_F(UnitSizerTest, BlobsBeginWithFewer) {
  UnitSizer sizer({.bytes = 1, .exact = false, .blobs = true}, kUnit << 20);
  EXPECT_EQ(Rows(&sizer), 64u);
}

TEST(DefaultBatchRows, BoundBytesAndRows) {
  EXPECT_EQ(DefaultBatchRows(1), 8192u);
  EXPECT_EQ(DefaultBatchRows(4096), 1024u);
  EXPECT_EQ(DefaultBatchRows(1 << 30), 1u);
}

}  // namespace
}  // namespace pilum::scan
