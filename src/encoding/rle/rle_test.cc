#include "encoding/rle/rle.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

template <typename T>
struct Runs {
  std::vector<T> values;
  std::string lengths;
  std::vector<T> expanded;

  // Run lengths 1 to 255, until there are n values; the last run may reach beyond.
  explicit Runs(uint32_t n) {
    std::mt19937 random(n);
    while (expanded.size() < n) {
      const auto length = static_cast<uint8_t>(1 + random() % 255);
      values.push_back(static_cast<T>(random()));
      lengths.push_back(static_cast<char>(length));
      expanded.insert(expanded.end(), length, values.back());
    }
    expanded.resize(n);
  }
};

template <typename T>
void AddCases(std::vector<CodecCase>* cases) {
  for (uint32_t n : {1, 255, 256, 1023, 1024, 4096}) {
    const Runs<T> runs(n);
    const std::string name =
        std::to_string(n) + " values of " + std::to_string(sizeof(T) * 8) + " bits";
    cases->push_back({.name = name,
                      .wire = RleWire(sizeof(T) * 8),
                      .n = n,
                      .buffers = {Raw(runs.values), runs.lengths},
                      .fixed = Raw(runs.expanded)});
    const std::string values = Raw(runs.values);
    cases->push_back({.name = name,
                      .role = Role::kBlock,
                      .wire = RleWire(sizeof(T) * 8),
                      .n = n,
                      .buffers = {Number(uint64_t{values.size()}) + values + runs.lengths},
                      .fixed = Raw(runs.expanded)});
  }
}

TEST(Rle, Conforms) {
  std::vector<CodecCase> cases = {
      {.name = "no values", .wire = RleWire(16), .n = 0, .buffers = {"", ""}}};
  AddCases<uint8_t>(&cases);
  AddCases<uint16_t>(&cases);
  AddCases<uint32_t>(&cases);
  AddCases<uint64_t>(&cases);
  CodecConformance(kRle, cases);
}

TEST(Rle, IsAnErrorWithTooFewRuns) {
  EXPECT_FALSE(DecodeCase({.wire = RleWire(16), .n = 11, .buffers = {"abcd", "\5\5"}}).ok());
}

TEST(Rle, RunsOfLengthZeroAddNothing) {
  auto decoded =
      DecodeCase({.wire = RleWire(8), .n = 2, .buffers = {"abc", std::string("\1\0\1", 3)}});
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->fixed, "ac");
}

TEST(Rle, IsAnErrorWithFewerValuesThanRuns) {
  EXPECT_FALSE(DecodeCase({.wire = RleWire(32), .n = 2, .buffers = {"abcd", "\1\1"}}).ok());
}

TEST(Rle, RefusesOtherWidths) {
  for (uint64_t bits : {1, 24, 128}) EXPECT_FALSE(MakeMiniBlockDecoder(RleWire(bits)).ok()) << bits;
  Wire wire = RleWire(16);
  *wire.mutable_rle()->mutable_run_lengths() = FlatWire(16);
  EXPECT_FALSE(MakeMiniBlockDecoder(wire).ok());
}

}  // namespace
}  // namespace pilum::encoding
