#include "encoding/general/general_encode.h"

#include <gtest/gtest.h>

#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

constexpr CompressionScheme kSchemes[] = {CompressionScheme::kLz4, CompressionScheme::kZstd};

std::string Compressed(GeneralEncoder* encoder, std::string_view plain) {
  std::vector<std::byte> out(3);  // what was there goes
  EXPECT_TRUE(encoder->Compress(AsBytes(plain), &out).ok());
  return std::string(AsText(out));
}

TEST(GeneralEncoder, RoundTrips) {
  for (auto scheme : kSchemes) {
    auto encoder = GeneralEncoder::Make(scheme).ValueOrDie();
    for (size_t n : {0, 1, 7, 8, 100, 100000, 1 << 20, 3}) {
      for (const std::string& plain : {std::string(n, 'x'), Raw(RandomValues<uint8_t>(n, 8))}) {
        const std::string compressed = Compressed(&encoder, plain);
        Arena arena;
        auto decoded = Decompress(scheme, AsBytes(compressed), &arena);
        ASSERT_TRUE(decoded.ok()) << decoded.status();
        EXPECT_EQ(AsText(*decoded), plain);
      }
    }
  }
}

TEST(GeneralEncoder, BeginsWithTheSize) {
  const std::string plain(1000, 'x');
  auto lz4 = GeneralEncoder::Make(CompressionScheme::kLz4).ValueOrDie();
  EXPECT_EQ(Compressed(&lz4, plain).substr(0, 4), Number(uint32_t{1000}));
  auto zstd = GeneralEncoder::Make(CompressionScheme::kZstd).ValueOrDie();
  EXPECT_EQ(Compressed(&zstd, plain).substr(0, 8), Number(uint64_t{1000}));
}

TEST(GeneralEncoder, ZstdMakesNothingOfNothing) {
  auto encoder = GeneralEncoder::Make(CompressionScheme::kZstd).ValueOrDie();
  EXPECT_EQ(Compressed(&encoder, ""), "");
}

TEST(GeneralEncoder, HigherLevelsCompressMore) {
  std::string plain;
  for (uint32_t i = 0; i < 20000; ++i) plain += std::to_string(i * i % 7919) + " and ";
  auto fast = GeneralEncoder::Make(CompressionScheme::kZstd, 1).ValueOrDie();
  auto small = GeneralEncoder::Make(CompressionScheme::kZstd, 15).ValueOrDie();
  EXPECT_LT(Compressed(&small, plain).size(), Compressed(&fast, plain).size());
}

}  // namespace
}  // namespace pilum::encoding
