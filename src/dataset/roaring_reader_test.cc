#include "dataset/roaring_reader.h"

#include <numeric>

#include <gtest/gtest.h>

#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

using Values = std::vector<uint32_t>;

arrow::Result<Values> Read(std::string_view hex, uint64_t max_values = 1 << 20) {
  return ReadRoaring(AsBytes(FromHex(hex)), max_values);
}

void ExpectCorrupt(std::string_view hex, std::string_view text, uint64_t max_values = 1 << 20) {
  ExpectError(Read(hex, max_values).status(), ErrorKind::kCorruptData, text);
}

std::string Repeat(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(Roaring, ReadsAnArrayContainer) {
  EXPECT_EQ(*Read("3a300000 01000000 0000 0200 10000000 0000 0100 0200"), (Values{0, 1, 2}));
}

TEST(Roaring, ReadsNoContainers) { EXPECT_EQ(*Read("3a300000 00000000"), Values{}); }

TEST(Roaring, ReadsSeveralContainers) {
  EXPECT_EQ(*Read("3a300000 02000000 0000 0000 ffff 0100 18000000 1a000000 0500 0000 ffff"),
            (Values{5, 0xFFFF0000, 0xFFFFFFFF}));
}

TEST(Roaring, ReadsRunContainersWithoutOffsets) {
  // 2 containers, the second one holds runs: 1, then 65536+2..65536+4 and 65536+9
  EXPECT_EQ(*Read("3b300100 02 0000 0000 0100 0300 0100 0200 0200 0200 0900 0000"),
            (Values{1, 65538, 65539, 65540, 65545}));
}

TEST(Roaring, ReadsRunContainersWithOffsets) {
  // From 4 containers on, offsets follow the keys; run flags of 0 and 3
  EXPECT_EQ(*Read("3b300300 09 0000 0000 0100 0000 0200 0000 0300 0000"
                  "00000000 00000000 00000000 00000000"
                  "0100 0700 0000   0800   0900   0100 0a00 0000"),
            (Values{7, 65536 + 8, 131072 + 9, 196608 + 10}));
}

TEST(Roaring, ReadsAFullRun) {
  auto values = Read("3b300000 01 0000 ffff 0100 0000 ffff").ValueOrDie();
  ASSERT_EQ(values.size(), 65536u);
  EXPECT_EQ(values.back(), 65535u);
}

TEST(Roaring, ReadsABitmapContainer) {
  // cardinality 4097 = 0x1001: bits 0..4095 and 65535
  auto values = Read("3a300000 01000000 0100 0010 10000000" + Repeat("ff", 512) +
                     Repeat("00", 8192 - 513) + "80")
                    .ValueOrDie();
  Values expected(4096);
  std::iota(expected.begin(), expected.end(), 65536);
  expected.push_back(131071);
  EXPECT_EQ(values, expected);
}

TEST(Roaring, RefusesWhatItStatesTwiceDifferently) {
  ExpectCorrupt("3a300000 01000000 0000 0010 10000000" + Repeat("00", 8192), "cardinality");
  ExpectCorrupt("3b300000 01 0000 0500 0100 0000 0200", "cardinality");
  ExpectCorrupt("3b300000 01 0000 0100 0100 0000 ff00", "cardinality");
  ExpectCorrupt("3b300000 01 0000 0000 0000", "cardinality");
}

TEST(Roaring, RefusesWrongOrder) {
  ExpectCorrupt("3a300000 01000000 0000 0100 10000000 0200 0100", "not sorted");
  ExpectCorrupt("3a300000 01000000 0000 0100 10000000 0200 0200", "not sorted");
  ExpectCorrupt("3a300000 02000000 0100 0000 0100 0000 18000000 1a000000 0000 0000", "in order");
  ExpectCorrupt("3b300000 01 0000 0300 0200 0500 0100 0600 0100", "overlapping");
  ExpectCorrupt("3b300000 01 0000 0100 0100 ffff 0100", "overlapping");
}

TEST(Roaring, RefusesOtherBytes) {
  ExpectCorrupt("", "cookie");
  ExpectCorrupt("00000000 00000000", "no cookie");
  ExpectCorrupt("3a300100 01000000 0000 0000 10000000 0000", "no cookie");
  ExpectCorrupt("3a300000 01000000 0000 0000 10000000 0000 00", "1 bytes follow");
}

TEST(Roaring, RefusesCountsBeforeTakingMemory) {
  ExpectCorrupt("3a300000 ffffffff", "4294967295 Roaring containers");
  ExpectCorrupt("3a300000 00000100", "container keys");
  ExpectCorrupt("3b300000 01 0000 ffff 0100 0000 ffff", "65536 values, at most 65535", 65535);
}

TEST(Roaring, RefusesEveryTruncation) {
  for (std::string_view hex :
       {"3a300000 02000000 0000 0000 ffff 0100 18000000 1a000000 0500 0000 ffff",
        "3b300300 09 0000 0000 0100 0000 0200 0000 0300 0000 00000000 00000000 00000000 00000000"
        "0100 0700 0000 0800 0900 0100 0a00 0000"}) {
    const std::string whole = FromHex(hex);
    for (size_t size = 0; size < whole.size(); ++size) {
      // A copy of exactly this size lets the address sanitizer see reads past the end.
      std::vector<std::byte> cut(AsBytes(whole).begin(), AsBytes(whole).begin() + size);
      ExpectError(ReadRoaring(cut, 100).status(), ErrorKind::kCorruptData, "");
    }
  }
}

}  // namespace
}  // namespace pilum::dataset
