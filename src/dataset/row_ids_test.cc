#include <gtest/gtest.h>

#include "dataset/fragment_rows.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

using lance::table::EncodedU64Array;
using lance::table::RowIdSequence;
using lance::table::U64Segment;
using Ids = std::vector<uint64_t>;

Ids AllIds(const RowIds& ids) {
  Ids all;
  for (uint64_t row = 0; row < ids.size(); ++row) all.push_back(ids.at(row));
  return all;
}

size_t CountRuns(const RowIds& ids) {
  size_t runs = 0;
  ids.ForEachRun([&](uint64_t, uint64_t, uint64_t) { ++runs; });
  return runs;
}

/// Parses one segment and expects these ids, found in each of the ways RowIds offers.
void ExpectIds(const RowIdSequence& sequence, const Ids& expected) {
  auto ids = RowIds::Parse(sequence.SerializeAsString(), expected.size());
  ASSERT_TRUE(ids.ok()) << ids.status().ToString();
  EXPECT_EQ(AllIds(**ids), expected);
  Ids from_runs;
  (*ids)->ForEachRun([&](uint64_t row, uint64_t first, uint64_t count) {
    EXPECT_EQ(row, from_runs.size());
    for (uint64_t i = 0; i < count; ++i) from_runs.push_back(first + i);
  });
  EXPECT_EQ(from_runs, expected);
  for (uint64_t row = 0; row < expected.size(); ++row) {
    EXPECT_EQ((*ids)->Find(expected[row]), row);
  }
  EXPECT_EQ((*ids)->Find(1'000'000), std::nullopt);
}

void ExpectCorrupt(const RowIdSequence& sequence, uint64_t rows, std::string_view text) {
  ExpectError(RowIds::Parse(sequence.SerializeAsString(), rows).status(), ErrorKind::kCorruptData,
              text);
}

RowIdSequence Range(uint64_t start, uint64_t end) {
  RowIdSequence sequence;
  auto* range = sequence.add_segments()->mutable_range();
  range->set_start(start);
  range->set_end(end);
  return sequence;
}

RowIdSequence RangeWithBitmap(uint64_t start, uint64_t end, std::string_view hex) {
  RowIdSequence sequence;
  auto* range = sequence.add_segments()->mutable_range_with_bitmap();
  range->set_start(start);
  range->set_end(end);
  range->set_bitmap(FromHex(hex));
  return sequence;
}

EncodedU64Array U16(uint64_t base, std::string_view hex) {
  EncodedU64Array array;
  array.mutable_u16_array()->set_base(base);
  array.mutable_u16_array()->set_offsets(FromHex(hex));
  return array;
}

RowIdSequence RangeWithHoles(uint64_t start, uint64_t end, const EncodedU64Array& holes) {
  RowIdSequence sequence;
  auto* range = sequence.add_segments()->mutable_range_with_holes();
  range->set_start(start);
  range->set_end(end);
  *range->mutable_holes() = holes;
  return sequence;
}

RowIdSequence Array(const EncodedU64Array& array, bool sorted = false) {
  RowIdSequence sequence;
  auto* segment = sequence.add_segments();
  *(sorted ? segment->mutable_sorted_array() : segment->mutable_array()) = array;
  return sequence;
}

TEST(RowIds, ReadTheBytesOfNewRows) {
  auto ids = RowIds::Parse(FromHex("0a 04 0a 02 10 64"), 100);
  ASSERT_TRUE(ids.ok()) << ids.status().ToString();
  EXPECT_EQ((*ids)->at(0), 0u);
  EXPECT_EQ((*ids)->at(99), 99u);
  EXPECT_EQ((*ids)->Find(100), std::nullopt);
  EXPECT_EQ(CountRuns(**ids), 1u);
}

TEST(RowIds, ReadRanges) {
  ExpectIds(Range(5, 9), {5, 6, 7, 8});
  ExpectIds(Range(5, 5), {});
  ExpectIds(RowIdSequence(), {});
}

TEST(RowIds, ReadRangesWithHoles) {
  ExpectIds(RangeWithHoles(10, 18, U16(10, "0200 0700")), {10, 11, 13, 14, 15, 16});
  ExpectIds(RangeWithHoles(10, 13, U16(10, "0000 0100 0200")), {});
  ExpectIds(RangeWithHoles(10, 12, U16(0, "")), {10, 11});
}

TEST(RowIds, ReadBitmapsLeastSignificantBitFirst) {
  ExpectIds(RangeWithBitmap(100, 110, "05 02"), {100, 102, 109});
  ExpectIds(RangeWithBitmap(0, 16, "ff ff"),
            {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  ExpectIds(RangeWithBitmap(7, 7, ""), {});
}

TEST(RowIds, ReadArraysOfEachWidth) {
  ExpectIds(Array(U16(1000, "0500 0000 ffff")), {1005, 1000, 66535});
  EncodedU64Array u32;
  u32.mutable_u32_array()->set_base(7);
  u32.mutable_u32_array()->set_offsets(FromHex("00000000 ffffffff"));
  ExpectIds(Array(u32, true), {7, 4294967302});
  EncodedU64Array u64;
  u64.mutable_u64_array()->set_values(FromHex("feffffffffffffff 0000000000000000"));
  ExpectIds(Array(u64), {UINT64_MAX - 1, 0});
}

TEST(RowIds, ConcatenateSegments) {
  RowIdSequence sequence = Array(U16(0, "0900 0300"));
  sequence.MergeFrom(Range(20, 30));
  sequence.MergeFrom(Array(U16(0, "0100")));
  sequence.MergeFrom(RangeWithBitmap(40, 48, "81"));
  ExpectIds(sequence, {9, 3, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 1, 40, 47});
}

TEST(RowIds, KeepRunsAsRangesHoweverTheyAreWritten) {
  RowIdSequence sequence = Range(0, 1'000'000);
  sequence.MergeFrom(RangeWithHoles(1'000'000, 2'000'000, U16(1'500'000, "0000")));
  sequence.MergeFrom(RangeWithBitmap(3'000'000, 3'000'032, "ffffffff"));
  auto ids = RowIds::Parse(sequence.SerializeAsString(), 2'000'031).ValueOrDie();
  EXPECT_EQ(CountRuns(*ids), 3u);
  EXPECT_EQ(ids->at(1'500'000), 1'500'001u);
  EXPECT_EQ(ids->Find(3'000'031), 2'000'030u);
}

TEST(RowIds, MustBeAsManyAsRows) {
  ExpectCorrupt(Range(0, 9), 10, "9 row ids for the 10 rows");
  ExpectCorrupt(Range(0, 11), 10, "more row ids than the 10 rows");
  ExpectCorrupt(Range(0, UINT64_MAX), 10, "more row ids");
  ExpectCorrupt(RangeWithBitmap(0, 8, "ff"), 7, "more row ids");
  ExpectCorrupt(RangeWithHoles(0, UINT64_MAX, U16(0, "0000")), 7, "more row ids");
  ExpectCorrupt(Array(U16(0, "0000 0100")), 1, "more row ids");
}

TEST(RowIds, RefuseSegmentsThatContradictThemselves) {
  ExpectCorrupt(Range(9, 0), 9, "before its start");
  ExpectCorrupt(RangeWithBitmap(9, 0, ""), 9, "before its start");
  ExpectCorrupt(RangeWithHoles(9, 0, U16(0, "")), 9, "before its start");
  ExpectCorrupt(RangeWithHoles(0, 9, U16(0, "0500 0400")), 7, "not sorted");
  ExpectCorrupt(RangeWithHoles(0, 9, U16(0, "0500 0500")), 7, "not sorted");
  ExpectCorrupt(RangeWithHoles(0, 9, U16(0, "0900")), 8, "outside");
  ExpectCorrupt(RangeWithHoles(5, 9, U16(0, "0400")), 3, "outside");
  ExpectCorrupt(RangeWithBitmap(0, 9, "ff"), 8, "has 1 bytes");
  ExpectCorrupt(RangeWithBitmap(0, UINT64_MAX, "ff"), 8, "has 1 bytes");
  ExpectCorrupt(RangeWithBitmap(0, 4, "10"), 1, "past its range");
  ExpectCorrupt(Array(U16(0, "0500 0400"), true), 2, "not sorted");
  ExpectCorrupt(Array(U16(0, "0500 04")), 2, "has 3 bytes");
  ExpectCorrupt(Array(U16(UINT64_MAX, "0500")), 1, "base");
  ExpectCorrupt(Array(EncodedU64Array()), 0, "no known kind");
  RowIdSequence unknown;
  unknown.add_segments();
  ExpectError(RowIds::Parse(unknown.SerializeAsString(), 0).status(), ErrorKind::kUnsupported,
              "not known");
  ExpectError(RowIds::Parse("\xff", 0).status(), ErrorKind::kCorruptData, "row id sequence");
}

}  // namespace
}  // namespace pilum::dataset
