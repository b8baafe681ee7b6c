#include "encoding/byte_stream_split/split.h"

#include <gtest/gtest.h>

#include "encoding/byte_stream_split/byte_stream_split.h"
#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

template <typename T>
std::string Split(const std::vector<T>& values) {
  const std::string from = RawUnaligned(values);
  std::string out(values.size() * sizeof(T), '\0');
  SplitBytes(sizeof(T) * 8, AsBytes(from).data() + 1, values.size(),
             reinterpret_cast<std::byte*>(out.data()));
  return out;
}

TEST(SplitBytes, PutsEachByteInItsStream) {
  EXPECT_EQ(Split<uint32_t>({0x44332211, 0x88776655}), Hex("11 55 22 66 33 77 44 88"));
  EXPECT_EQ(Split<uint64_t>({0x0807060504030201, 0x1817161514131211}),
            Hex("01 11 02 12 03 13 04 14 05 15 06 16 07 17 08 18"));
}

template <typename T>
void ExpectRoundTrip() {
  for (uint32_t n : {0, 1, 2, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1000, 1024}) {
    const auto values = RandomValues<T>(n, sizeof(T) * 8, n);
    auto decoded = DecodeCase(
        {.wire = ByteStreamSplitWire(sizeof(T) * 8), .n = n, .buffers = {Split(values)}});
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->fixed, Raw(values)) << n;
  }
}

TEST(SplitBytes, RoundTrips) {
  ExpectRoundTrip<uint32_t>();
  ExpectRoundTrip<uint64_t>();
}

}  // namespace
}  // namespace pilum::encoding
