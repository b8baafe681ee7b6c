#include "encoding/fixed_size_list/fixed_size_list.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

using lance::encodings21::COMPRESSION_ALGORITHM_LZ4;

TEST(FixedSizeList, Conforms) {
  const auto values = RandomValues<uint16_t>(12, 16);
  const auto packed = RandomValues<uint32_t>(1024, 5);
  CodecConformance(kFixedSizeList,
                   {{.name = "lists of 3",
                     .wire = FixedSizeListWire(3, false, FlatWire(16)),
                     .n = 4,
                     .buffers = {Raw(values)},
                     .fixed = Raw(values),
                     .item_validity = {""}},
                    {.name = "with validity",
                     .wire = FixedSizeListWire(3, true, FlatWire(16)),
                     .n = 4,
                     .buffers = {"\xB5\x0C", Raw(values)},
                     .fixed = Raw(values),
                     .item_validity = {"\xB5\x0C"}},
                    {.name = "2 lists of 3, validity of both",
                     .wire = FixedSizeListWire(2, true, FixedSizeListWire(3, true, FlatWire(16))),
                     .n = 2,
                     .buffers = {"\x0D", "\xB5\x0C", Raw(values)},
                     .fixed = Raw(values),
                     .item_validity = {"\x0D", "\xB5\x0C"}},
                    {.name = "2 lists of 3, validity of the inner",
                     .wire = FixedSizeListWire(2, false, FixedSizeListWire(3, true, FlatWire(16))),
                     .n = 2,
                     .buffers = {"\xB5\x0C", Raw(values)},
                     .fixed = Raw(values),
                     .item_validity = {"", "\xB5\x0C"}},
                    {.name = "bits that start inside bytes",
                     .wire = FixedSizeListWire(3, true, FlatWire(1)),
                     .n = 5,
                     .buffers = {"\xFF\x7F", "\xA5\x5A"},
                     .fixed = "\xA5\x5A",
                     .item_validity = {"\xFF\x7F"}},
                    {.name = "packed",
                     .wire = FixedSizeListWire(8, false, InlineBitpackingWire(32)),
                     .n = 128,
                     .buffers = {Number(uint32_t{5}) + PackBlock(packed, 5)},
                     .fixed = Raw(packed),
                     .item_validity = {""}}});
}

TEST(FixedSizeList, IsAnErrorWhenAnItemBitmapIsShort) {
  EXPECT_FALSE(DecodeCase({.wire = FixedSizeListWire(3, true, FlatWire(8)),
                           .n = 4,
                           .buffers = {"\xFF", "abcdefghijkl"}})
                   .ok());
}

TEST(FixedSizeList, RefusesListsOfStrings) {
  EXPECT_FALSE(MakeMiniBlockDecoder(FixedSizeListWire(3, false, VariableWire(32))).ok());
}

TEST(FixedSizeList, RefusesListsHiddenInsideAnotherEncoding) {
  const Wire hidden =
      GeneralWire(COMPRESSION_ALGORITHM_LZ4, FixedSizeListWire(3, true, FlatWire(32)));
  EXPECT_FALSE(MakeMiniBlockDecoder(FixedSizeListWire(2, true, hidden)).ok());
}

TEST(FixedSizeList, RefusesImpossibleSizes) {
  EXPECT_FALSE(MakeMiniBlockDecoder(FixedSizeListWire(0, false, FlatWire(8))).ok());
  EXPECT_FALSE(MakeMiniBlockDecoder(FixedSizeListWire(uint64_t{1} << 40, false, FlatWire(8))).ok());
  Wire wire = FlatWire(8);
  for (int i = 0; i < 20; ++i) wire = FixedSizeListWire(1, false, wire);
  EXPECT_FALSE(MakeMiniBlockDecoder(wire).ok());
  wire = FlatWire(8);
  for (int i = 0; i < 6; ++i) wire = FixedSizeListWire(1 << 20, false, wire);
  EXPECT_FALSE(MakeMiniBlockDecoder(wire).ok());
}

TEST(FixedSizeList, IsAnErrorWithMoreItemsThanFit) {
  EXPECT_FALSE(
      DecodeCase(
          {.wire = FixedSizeListWire(1 << 28, false, FlatWire(8)), .n = 17, .buffers = {"ab"}})
          .ok());
}

}  // namespace
}  // namespace pilum::encoding
