#include "encoding/rle/rle_encode.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/rle/rle.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

/// Runs of the given lengths, with values that differ from the one before.
template <typename T>
std::vector<T> RunsOf(const std::vector<size_t>& lengths) {
  std::vector<T> values;
  T value = 7;
  for (size_t length : lengths)
    values.insert(values.end(), length, value = static_cast<T>(value * 5 + 1));
  return values;
}

template <typename T>
void ExpectRoundTrip(const std::vector<size_t>& lengths) {
  const std::vector<T> values = RunsOf<T>(lengths);
  const std::string bytes = RawUnaligned(values);
  const std::byte* from = AsBytes(bytes).data() + 1;
  EXPECT_EQ(CountRuns(sizeof(T) * 8, from, values.size()), lengths.size());

  std::vector<std::byte> run_values(3), run_lengths(5);  // what was there goes
  EncodeRuns(sizeof(T) * 8, from, values.size(), &run_values, &run_lengths);
  size_t encoded_runs = 0;
  for (size_t length : lengths) encoded_runs += (length + 254) / 255;
  EXPECT_EQ(run_lengths.size(), encoded_runs);
  EXPECT_EQ(run_values.size(), encoded_runs * sizeof(T));

  auto decoded =
      DecodeCase({.wire = RleWire(sizeof(T) * 8),
                  .n = static_cast<uint32_t>(values.size()),
                  .buffers = {std::string(AsText(run_values)), std::string(AsText(run_lengths))}});
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->fixed, Raw(values));
}

TEST(EncodeRuns, RoundTrips) {
  for (const std::vector<size_t>& lengths :
       std::vector<std::vector<size_t>>{{},
                                        {1},
                                        {2},
                                        {1, 1},
                                        {254, 255, 256, 257},
                                        {509, 510, 511, 1},
                                        {5000},
                                        {1, 300, 1},
                                        std::vector<size_t>(1000, 1),
                                        std::vector<size_t>(500, 3)}) {
    ExpectRoundTrip<uint8_t>(lengths);
    ExpectRoundTrip<uint16_t>(lengths);
    ExpectRoundTrip<uint32_t>(lengths);
    ExpectRoundTrip<uint64_t>(lengths);
  }
}

TEST(CountRuns, CountsEveryChange) {
  for (size_t n : {127, 128, 129, 130, 1000}) {
    for (size_t at = 1; at < n; ++at) ExpectRoundTrip<uint8_t>({at, n - at});
  }
}

TEST(EncodeRuns, TakesBitsAsTheyAre) {
  // Two NaN and two zeros that differ in bits.
  const std::vector<uint32_t> values = {0x7fc00000, 0x7fc00001, 0, 0x80000000};
  EXPECT_EQ(CountRuns(32, AsBytes(Raw(values)).data(), 4), 4u);
}

}  // namespace
}  // namespace pilum::encoding
