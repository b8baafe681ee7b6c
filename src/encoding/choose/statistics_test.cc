#include "encoding/choose/statistics.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

/// What a map finds.
DistinctValues Expected(const std::vector<std::string>& values) {
  DistinctValues distinct;
  std::map<std::string, uint32_t> numbers;
  for (size_t i = 0; i < values.size(); ++i) {
    auto [at, is_new] = numbers.try_emplace(values[i], static_cast<uint32_t>(numbers.size()));
    if (is_new) distinct.first.push_back(static_cast<uint32_t>(i));
    distinct.indices.push_back(at->second);
  }
  return distinct;
}

void ExpectFound(const DistinctValues& found, const std::vector<std::string>& values) {
  const DistinctValues expected = Expected(values);
  EXPECT_EQ(found.first, expected.first);
  EXPECT_EQ(found.indices, expected.indices);
}

std::vector<std::string> RandomStrings(size_t n, size_t distinct, size_t width) {
  std::mt19937 random(1);
  std::vector<std::string> pool(distinct), values(n);
  for (std::string& value : pool) {
    value.resize(width == 0 ? random() % 40 : width);
    for (char& c : value) c = static_cast<char>(random());
  }
  for (std::string& value : values) value = pool[random() % distinct];
  return values;
}

struct Strings {
  std::vector<uint32_t> offsets = {3};
  std::string bytes = "xxx";
  explicit Strings(const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      bytes += value;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
  }
};

TEST(CountDistinct, NumbersValuesOfEveryWidthAsTheyAppear) {
  for (size_t width : {1, 2, 3, 4, 7, 8, 9, 12, 16, 32, 100}) {
    for (size_t distinct : {1, 2, 200, 5000}) {
      const auto values = RandomStrings(10000, distinct, width);
      std::string bytes = "x";
      for (const std::string& value : values) bytes += value;
      DistinctValues found;
      const uint64_t count =
          CountDistinct(AsBytes(bytes).data() + 1, width, values.size(), 10000, &found);
      EXPECT_EQ(count, Expected(values).first.size());
      ExpectFound(found, values);
    }
  }
}

TEST(CountDistinct, NumbersStringsAsTheyAppear) {
  for (size_t distinct : {1, 2, 200, 5000}) {
    const auto values = RandomStrings(20000, distinct, 0);
    const Strings strings(values);
    DistinctValues found;
    const uint64_t count = CountDistinct(strings.offsets, AsBytes(strings.bytes), 20000, &found);
    EXPECT_EQ(count, Expected(values).first.size());
    ExpectFound(found, values);
  }
}

TEST(CountDistinct, TellsZerosFromEmptiness) {
  const std::vector<std::string> values = {
      "", std::string(1, '\0'), std::string(7, '\0'), std::string(8, '\0'), std::string(9, '\0'),
      ""};
  const Strings strings(values);
  EXPECT_EQ(CountDistinct(strings.offsets, AsBytes(strings.bytes), 10), 5u);
}

TEST(CountDistinct, StopsAboveTheLimit) {
  const std::vector<uint64_t> values = {1, 2, 2, 3, 1, 4};
  const auto count = [&](uint64_t limit) {
    return CountDistinct(AsBytes(Raw(values)).data(), 8, values.size(), limit);
  };
  EXPECT_EQ(count(10), 4u);
  EXPECT_EQ(count(4), 4u);
  EXPECT_EQ(count(3), 4u);
  EXPECT_EQ(count(2), 3u);
  EXPECT_EQ(count(0), 1u);
  EXPECT_EQ(CountDistinct(nullptr, 8, 0, 0), 0u);
}

TEST(CountDistinct, TakesNothingForNothing) {
  const std::vector<uint32_t> offsets = {0};
  DistinctValues found{.first = {1}, .indices = {2}};
  EXPECT_EQ(CountDistinct(offsets, {}, 5, &found), 0u);
  EXPECT_TRUE(found.first.empty());
  EXPECT_TRUE(found.indices.empty());
}

}  // namespace
}  // namespace pilum::encoding
