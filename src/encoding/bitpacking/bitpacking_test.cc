#include "encoding/bitpacking/bitpacking.h"

#include <gtest/gtest.h>

#include "encoding/bitpacking/unpack.h"
#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

template <typename T>
std::vector<CodecCase> InlineCases() {
  constexpr uint32_t kBits = sizeof(T) * 8;
  std::vector<CodecCase> cases;
  for (uint32_t width = 0; width <= kBits; ++width) {
    const uint32_t n = width % 3 == 0 ? 1024 : width % 3 == 1 ? 1023 : 1;
    auto values = RandomValues<T>(n, width, width + 1);
    cases.push_back({.name = "width " + std::to_string(width) + " of " + std::to_string(kBits),
                     .wire = InlineBitpackingWire(kBits),
                     .n = n,
                     .buffers = {Number(static_cast<T>(width)) + PackBlock(values, width)},
                     .fixed = Raw(values)});
  }
  return cases;
}

TEST(InlineBitpacking, ConformsAt8Bits) {
  CodecConformance(kInlineBitpacking, InlineCases<uint8_t>());
}
TEST(InlineBitpacking, ConformsAt16Bits) {
  CodecConformance(kInlineBitpacking, InlineCases<uint16_t>());
}
TEST(InlineBitpacking, ConformsAt32Bits) {
  CodecConformance(kInlineBitpacking, InlineCases<uint32_t>());
}
TEST(InlineBitpacking, ConformsAt64Bits) {
  CodecConformance(kInlineBitpacking, InlineCases<uint64_t>());
}

TEST(InlineBitpacking, ConformsAsBlock) {
  auto levels = RandomValues<uint16_t>(500, 2);
  CodecConformance(kInlineBitpacking, {{.name = "levels",
                                        .role = Role::kBlock,
                                        .wire = InlineBitpackingWire(16),
                                        .n = 500,
                                        .buffers = {Number(uint16_t{2}) + PackBlock(levels, 2)},
                                        .fixed = Raw(levels)}});
}

// v[i] = (i * 7) mod 11 in 4 bits, as the reference library writes it: the first bytes of each
// block.
template <typename T>
void ExpectGolden(const std::string& begin) {
  std::vector<T> values(1024);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<T>(i * 7 % 11);
  const std::string block = Number(T{4}) + PackBlock(values, 4);
  ASSERT_EQ(block.substr(0, begin.size()), begin);
  auto decoded =
      DecodeCase({.wire = InlineBitpackingWire(sizeof(T) * 8), .n = 1024, .buffers = {block}});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->fixed, Raw(values));
}

TEST(InlineBitpacking, DecodesGoldenBytes) {
  ExpectGolden<uint8_t>(Hex("04 5017834a067239a56128945017834a06"));
  ExpectGolden<uint16_t>(Hex("0400 504a170683724a3906a572613928a594"));
  ExpectGolden<uint32_t>(Hex("04000000 504a39281706a594837261504a392817"));
  ExpectGolden<uint64_t>(Hex("0400000000000000 504a3928281706a51706a59494837261"));
}

TEST(InlineBitpacking, RefusesWidthsAboveTheWord) {
  auto status = DecodeCase({.wire = InlineBitpackingWire(16),
                            .n = 1,
                            .buffers = {Number(uint16_t{17}) + std::string(4096, 0)}});
  EXPECT_FALSE(status.ok());
}

TEST(InlineBitpacking, RefusesMoreThan1024Values) {
  EXPECT_FALSE(
      DecodeCase({.wire = InlineBitpackingWire(16), .n = 1025, .buffers = {Number(uint16_t{0})}})
          .ok());
}

TEST(InlineBitpacking, HasNoPointsBehindABlock) {
  auto decoder = MakeMiniBlockDecoder(InlineBitpackingWire(32));
  ASSERT_TRUE(decoder.ok());
  const uint64_t size = 4 + 128 * 5;
  EXPECT_TRUE((*decoder)->PointRange(size, 1023, 1).has_value());
  EXPECT_FALSE((*decoder)->PointRange(size, 1024, 1).has_value());
}

TEST(InlineBitpacking, RefusesOtherWords) {
  for (uint64_t bits : {0, 1, 7, 24, 128})
    EXPECT_FALSE(MakeMiniBlockDecoder(InlineBitpackingWire(bits)).ok()) << bits;
}

template <typename T>
CodecCase OutOfLineCase(uint32_t n, uint32_t width, bool raw_tail) {
  auto values = RandomValues<T>(n, width, n + width);
  std::string bytes;
  for (uint32_t at = 0; at < n; at += 1024) {
    std::vector<T> block(values.begin() + at, values.begin() + std::min(at + 1024, n));
    bytes += block.size() < 1024 && raw_tail ? Raw(block) : PackBlock(block, width);
  }
  return {.name = std::to_string(n) + " values of " + std::to_string(width) + " bits" +
                  (raw_tail ? ", raw tail" : ""),
          .role = Role::kBlock,
          .wire = OutOfLineBitpackingWire(sizeof(T) * 8, width),
          .n = n,
          .buffers = {bytes},
          .fixed = Raw(values)};
}

TEST(OutOfLineBitpacking, Conforms) {
  std::vector<CodecCase> cases;
  for (uint32_t n : {1, 1023, 1024, 1025, 2048, 3000}) {
    for (uint32_t width : {0, 1, 3, 16}) cases.push_back(OutOfLineCase<uint16_t>(n, width, false));
  }
  // The tail is raw when exactly its size is left, which must not be the size of a packed block.
  cases.push_back(OutOfLineCase<uint16_t>(1025, 3, true));
  cases.push_back(OutOfLineCase<uint16_t>(2, 3, true));
  cases.push_back(OutOfLineCase<uint32_t>(1030, 7, true));
  cases.push_back(OutOfLineCase<uint64_t>(1100, 33, false));
  cases.push_back(OutOfLineCase<uint8_t>(1100, 5, false));
  CodecConformance(kOutOfLineBitpacking, cases);
}

TEST(OutOfLineBitpacking, RefusesCountsThatNoByteBacks) {
  auto decoder = MakeBlockDecoder(OutOfLineBitpackingWire(64, 0));
  ASSERT_TRUE(decoder.ok());
  Arena arena;
  EXPECT_FALSE((*decoder)->Decode({}, uint64_t{1} << 30, &arena).ok());
}

TEST(OutOfLineBitpacking, RefusesWidthsAboveTheWord) {
  EXPECT_FALSE(MakeBlockDecoder(OutOfLineBitpackingWire(16, 17)).ok());
  EXPECT_FALSE(MakeBlockDecoder(OutOfLineBitpackingWire(12, 3)).ok());
}

template <typename T>
void ExpectKernelsAgree() {
  constexpr uint32_t kBits = sizeof(T) * 8;
  const auto best = bytes::ActiveSimdLevel();
  for (uint32_t width = 0; width <= kBits; ++width) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      auto values = RandomValues<T>(1024, width, seed);
      std::string packed(1, 'x');  // so that the block is unaligned
      packed += PackBlock(values, width);
      for (auto level : {bytes::SimdLevel::kScalar, bytes::SimdLevel::kV3, bytes::SimdLevel::kV4}) {
        if (level > best) continue;
        std::vector<T> out(1024);
        Unpack1024At(level, kBits, width, AsBytes(packed).data() + 1,
                     reinterpret_cast<std::byte*>(out.data()));
        ASSERT_EQ(out, values) << "width " << width << ", level " << static_cast<int>(level);
      }
    }
  }
}

TEST(Unpack, KernelsAgreeAtEveryWidth) {
  ExpectKernelsAgree<uint8_t>();
  ExpectKernelsAgree<uint16_t>();
  ExpectKernelsAgree<uint32_t>();
  ExpectKernelsAgree<uint64_t>();
}

}  // namespace
}  // namespace pilum::encoding
