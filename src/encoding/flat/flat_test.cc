#include "encoding/flat/flat.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

CodecCase Case(Role role, uint64_t bits, uint32_t n) {
  const std::string bytes = Raw(RandomValues<uint8_t>((n * bits + 7) / 8, 8));
  return {.name = std::to_string(n) + " values of " + std::to_string(bits) + " bits",
          .role = role,
          .wire = FlatWire(bits),
          .n = n,
          .buffers = {bytes},
          .fixed = bytes};
}

TEST(Flat, Conforms) {
  std::vector<CodecCase> cases;
  for (Role role : {Role::kMiniBlock, Role::kBlock}) {
    for (uint64_t bits : {1, 8, 16, 24, 32, 64, 128, 256}) {
      for (uint32_t n : {0, 1, 7, 8, 1023, 1024}) cases.push_back(Case(role, bits, n));
    }
  }
  CodecConformance(kFlat, cases);
}

TEST(Flat, IsAnErrorWhenTruncated) {
  for (uint64_t bits : {1, 16, 64}) {
    CodecCase test = Case(Role::kMiniBlock, bits, 1001);
    test.buffers[0].pop_back();
    EXPECT_FALSE(DecodeCase(test).ok()) << bits;
  }
}

TEST(Flat, RefusesOddWidths) {
  for (uint64_t bits : {uint64_t{0}, uint64_t{2}, uint64_t{12}, uint64_t{1} << 40}) {
    EXPECT_FALSE(MakeMiniBlockDecoder(FlatWire(bits)).ok()) << bits;
  }
}

TEST(Flat, HugeWidthsDoNotOverflow) {
  EXPECT_FALSE(DecodeCase({.role = Role::kBlock,
                           .wire = FlatWire(uint64_t{1} << 32),
                           .n = 65535,
                           .buffers = {"abc"}})
                   .ok());
}

}  // namespace
}  // namespace pilum::encoding
