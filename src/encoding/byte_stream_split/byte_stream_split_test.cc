#include "encoding/byte_stream_split/byte_stream_split.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

template <typename T>
CodecCase Case(uint32_t n) {
  const std::string values = Raw(RandomValues<T>(n, sizeof(T) * 8));
  std::string streams;
  for (size_t j = 0; j < sizeof(T); ++j) {
    for (uint32_t i = 0; i < n; ++i) streams.push_back(values[i * sizeof(T) + j]);
  }
  return {.name = std::to_string(n) + " values of " + std::to_string(sizeof(T)) + " bytes",
          .wire = ByteStreamSplitWire(sizeof(T) * 8),
          .n = n,
          .buffers = {streams},
          .fixed = values};
}

TEST(ByteStreamSplit, Conforms) {
  std::vector<CodecCase> cases;
  for (uint32_t n : {0, 1, 15, 16, 17, 1023, 1024}) {
    cases.push_back(Case<uint32_t>(n));
    cases.push_back(Case<uint64_t>(n));
  }
  CodecConformance(kByteStreamSplit, cases);
}

TEST(ByteStreamSplit, DecodesGoldenBytes) {
  // 1.0f and -2.0f: 0000803f, 000000c0.
  auto decoded = DecodeCase(
      {.wire = ByteStreamSplitWire(32), .n = 2, .buffers = {Hex("0000 0000 8000 3fc0")}});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->fixed, Raw<float>({1.0f, -2.0f}));
}

TEST(ByteStreamSplit, IsAnErrorWhenTruncated) {
  CodecCase test = Case<uint32_t>(100);
  test.buffers[0].pop_back();
  EXPECT_FALSE(DecodeCase(test).ok());
}

TEST(ByteStreamSplit, RefusesOtherWidths) {
  for (uint64_t bits : {8, 16, 128})
    EXPECT_FALSE(MakeMiniBlockDecoder(ByteStreamSplitWire(bits)).ok()) << bits;
}

}  // namespace
}  // namespace pilum::encoding
