#include "encoding/variable/variable.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

std::vector<std::string> Strings(uint32_t n) {
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < n; ++i)
    strings.push_back(std::string(i * 7 % 23, static_cast<char>('a' + i % 26)));
  return strings;
}

TEST(Variable, Conforms) {
  std::vector<CodecCase> cases;
  for (uint32_t n : {0, 1, 2, 1023, 1024}) {
    const auto strings = Strings(n);
    const std::string name = std::to_string(n) + " strings";
    cases.push_back({.name = name,
                     .wire = VariableWire(32),
                     .n = n,
                     .buffers = {VariableChunk<uint32_t>(strings)},
                     .strings = strings});
    cases.push_back({.name = name,
                     .wire = VariableWire(64),
                     .n = n,
                     .buffers = {VariableChunk<uint64_t>(strings)},
                     .strings = strings});
    cases.push_back({.name = name,
                     .role = Role::kBlock,
                     .wire = VariableWire(32),
                     .n = n,
                     .buffers = {VariableBlock<uint32_t>(strings)},
                     .strings = strings});
    cases.push_back({.name = name,
                     .role = Role::kBlock,
                     .wire = VariableWire(64),
                     .n = n,
                     .buffers = {VariableBlock<uint64_t>(strings)},
                     .strings = strings});
  }
  cases.push_back({.name = "one by one",
                   .role = Role::kPerValue,
                   .wire = VariableWire(32),
                   .n = 1,
                   .buffers = {"", "a", "bcd"},
                   .strings = {"", "a", "bcd"}});
  CodecConformance(kVariable, cases);
}

TEST(Variable, DecodesGoldenBytes) {
  auto decoded =
      DecodeCase({.wire = VariableWire(32),
                  .n = 3,
                  .buffers = {Hex("10000000 12000000 12000000 15000000 6162636465 484848")}});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->strings, (std::vector<std::string>{"ab", "", "cde"}));
}

TEST(Variable, IsAnErrorWhenOffsetsDescend) {
  EXPECT_FALSE(DecodeCase({.wire = VariableWire(32),
                           .n = 2,
                           .buffers = {Hex("0c000000 0e000000 0d000000 61626364")}})
                   .ok());
}

TEST(Variable, IsAnErrorWhenValuesEndBeyondTheBuffer) {
  EXPECT_FALSE(
      DecodeCase({.wire = VariableWire(32), .n = 1, .buffers = {Hex("08000000 0d000000 61626364")}})
          .ok());
  EXPECT_FALSE(DecodeCase({.wire = VariableWire(64),
                           .n = 1,
                           .buffers = {Hex("1000000000000000 1000000001000000 61626364 00000000")}})
                   .ok());
}

TEST(Variable, IsAnErrorWhenTheFirstOffsetIsNotTheTablesEnd) {
  EXPECT_FALSE(
      DecodeCase({.wire = VariableWire(32), .n = 1, .buffers = {Hex("07000000 0a000000 61626364")}})
          .ok());
}

TEST(Variable, IsAnErrorWhenABlockDeclaresAnotherWidth) {
  const std::string block = VariableBlock<uint64_t>({"a"});
  EXPECT_FALSE(
      DecodeCase({.role = Role::kBlock, .wire = VariableWire(32), .n = 1, .buffers = {block}})
          .ok());
}

TEST(Variable, IsAnErrorWhenABlocksBytesOverlapItsOffsets) {
  std::string block = VariableBlock<uint32_t>({"abc", "d"});
  block[4] = 8;
  EXPECT_FALSE(
      DecodeCase({.role = Role::kBlock, .wire = VariableWire(32), .n = 2, .buffers = {block}})
          .ok());
}

TEST(Variable, RefusesOtherOffsetWidths) {
  for (uint64_t bits : {8, 16, 24})
    EXPECT_FALSE(MakeMiniBlockDecoder(VariableWire(bits)).ok()) << bits;
}

}  // namespace
}  // namespace pilum::encoding
