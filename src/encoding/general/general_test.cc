#include "encoding/general/general.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

using lance::encodings21::COMPRESSION_ALGORITHM_LZ4;
using lance::encodings21::COMPRESSION_ALGORITHM_UNSPECIFIED;
using lance::encodings21::COMPRESSION_ALGORITHM_ZSTD;

TEST(General, Conforms) {
  const auto values = RandomValues<uint32_t>(1000, 9);
  const std::vector<std::string> strings = {"abcabcabcabc", "", std::string(300, 'x')};
  const std::vector<uint16_t> runs = {7, 9};
  std::vector<CodecCase> cases;
  for (auto scheme : {COMPRESSION_ALGORITHM_LZ4, COMPRESSION_ALGORITHM_ZSTD}) {
    const auto compress = [&](const std::string& plain) {
      return scheme == COMPRESSION_ALGORITHM_LZ4 ? Lz4(plain) : Zstd(plain);
    };
    const std::string name = scheme == COMPRESSION_ALGORITHM_LZ4 ? "lz4" : "zstd";
    cases.push_back({.name = name + " of numbers",
                     .wire = GeneralWire(scheme, FlatWire(32)),
                     .n = 1000,
                     .buffers = {compress(Raw(values))},
                     .fixed = Raw(values)});
    cases.push_back({.name = name + " of strings",
                     .wire = GeneralWire(scheme, VariableWire(32)),
                     .n = 3,
                     .buffers = {compress(VariableChunk<uint32_t>(strings))},
                     .strings = strings});
    cases.push_back({.name = name + " of a block",
                     .role = Role::kBlock,
                     .wire = GeneralWire(scheme, VariableWire(32)),
                     .n = 3,
                     .buffers = {compress(VariableBlock<uint32_t>(strings))},
                     .strings = strings});
    cases.push_back({.name = name + " one by one",
                     .role = Role::kPerValue,
                     .wire = GeneralWire(scheme, VariableWire(32)),
                     .n = 1,
                     .buffers = {compress("first"), compress(std::string(5000, 'y'))},
                     .strings = {"first", std::string(5000, 'y')}});
    // Around several buffers only the first is compressed.
    cases.push_back({.name = name + " of runs",
                     .wire = GeneralWire(scheme, RleWire(16)),
                     .n = 5,
                     .buffers = {compress(Raw(runs)), "\2\3"},
                     .fixed = Raw<uint16_t>({7, 7, 9, 9, 9})});
    cases.push_back({.name = name + " of lists",
                     .wire = GeneralWire(scheme, FixedSizeListWire(2, true, FlatWire(8))),
                     .n = 3,
                     .buffers = {compress("\x2d"), "abcdef"},
                     .fixed = "abcdef",
                     .item_validity = {"\x2d"}});
  }
  CodecConformance(kGeneral, cases);
}

TEST(General, ReadsBareZstdFrames) {
  // Frames without the size in front: short ones, and those that show the magic number.
  for (const std::string& plain :
       {std::string("z"), std::string(100, 'a'), std::string(200'000, 'b')}) {
    CodecCase test{.name = "bare",
                   .role = Role::kPerValue,
                   .wire = GeneralWire(COMPRESSION_ALGORITHM_ZSTD, VariableWire(32)),
                   .n = 1,
                   .buffers = {BareZstd(plain)}};
    auto decoded = DecodeCase(test);
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->strings[0], plain);
  }
}

TEST(General, NoBytesAreNoBytesInZstd) {
  auto decoded = DecodeCase({.role = Role::kPerValue,
                             .wire = GeneralWire(COMPRESSION_ALGORITHM_ZSTD, VariableWire(32)),
                             .n = 1,
                             .buffers = {""}});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->strings[0], "");
}

TEST(General, AClaimedSizeIsNotAllocatedUnseen) {
  const std::string frame = BareZstd("small");
  for (uint64_t claim :
       {uint64_t{6}, uint64_t{1} << 31, (uint64_t{1} << 32) - 1, uint64_t{1} << 40, ~uint64_t{0}}) {
    Arena arena;
    EXPECT_FALSE(Decompress(CompressionScheme::kZstd, AsBytes(Number(claim) + frame), &arena).ok())
        << claim;
  }
  Arena arena;
  EXPECT_FALSE(Decompress(CompressionScheme::kLz4,
                          AsBytes(Number(uint32_t{0xFFFFFFFF}) + std::string(20, 'x')), &arena)
                   .ok());
}

TEST(General, SizesThatDoNotMatchAreErrors) {
  Arena arena;
  const std::string plain(100, 'q');
  const std::string lz4 = Lz4(plain), zstd = Zstd(plain);
  EXPECT_FALSE(
      Decompress(CompressionScheme::kLz4, AsBytes(Number(uint32_t{99}) + lz4.substr(4)), &arena)
          .ok());
  EXPECT_FALSE(
      Decompress(CompressionScheme::kLz4, AsBytes(Number(uint32_t{101}) + lz4.substr(4)), &arena)
          .ok());
  EXPECT_FALSE(
      Decompress(CompressionScheme::kZstd, AsBytes(Number(uint64_t{99}) + zstd.substr(8)), &arena)
          .ok());
  EXPECT_FALSE(
      Decompress(CompressionScheme::kZstd, AsBytes(Number(uint64_t{101}) + zstd.substr(8)), &arena)
          .ok());
}

TEST(General, TruncationIsAnError) {
  Arena arena;
  const std::string zstd = Zstd(Raw(RandomValues<uint64_t>(50, 20)));
  for (size_t cut = 1; cut < zstd.size(); ++cut) {
    EXPECT_FALSE(Decompress(CompressionScheme::kZstd, AsBytes(zstd.substr(0, cut)), &arena).ok())
        << cut;
  }
}

TEST(General, RefusesUnknownSchemes) {
  EXPECT_FALSE(
      MakeMiniBlockDecoder(GeneralWire(COMPRESSION_ALGORITHM_UNSPECIFIED, FlatWire(8))).ok());
}

TEST(General, RefusesNestingWithoutEnd) {
  Wire wire = FlatWire(8);
  for (int i = 0; i < 40; ++i) wire = GeneralWire(COMPRESSION_ALGORITHM_LZ4, wire);
  EXPECT_FALSE(MakeMiniBlockDecoder(wire).ok());
  EXPECT_FALSE(MakeBlockDecoder(wire).ok());
  EXPECT_NE(DescribeEncoding(wire), "");
}

}  // namespace
}  // namespace pilum::encoding
