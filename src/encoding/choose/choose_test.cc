#include "encoding/choose/choose.h"

#include <gtest/gtest.h>

#include <random>

#include "encoding/general/general_page.h"
#include "encoding/test_encode.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

/// The words of a page, and what they are compressed with.
template <typename T>
std::string ChoiceFor(const std::vector<T>& words, const CompressionRequest& request = {}) {
  LeafRows rows;
  rows.rows = rows.entries = rows.slots = words.size();
  rows.values.fixed = std::as_bytes(std::span(words));
  auto choice = ChooseMiniBlock(rows, {.shape = {.bits = sizeof(T) * 8}}, request,
                                arrow::default_memory_pool());
  if (!choice.ok()) return choice.status().ToString();
  return (choice->dictionary ? "dictionary of " : "") + DescribeEncoding(choice->encoder->wire());
}

std::string ChoiceFor(const std::vector<std::string>& values,
                      const CompressionRequest& request = {}) {
  std::string bytes;
  std::vector<uint32_t> offsets = {0};
  for (const std::string& value : values) {
    bytes += value;
    offsets.push_back(static_cast<uint32_t>(bytes.size()));
  }
  LeafRows rows;
  rows.rows = rows.entries = rows.slots = values.size();
  rows.values.offsets = offsets;
  rows.values.bytes = AsBytes(bytes);
  auto choice =
      ChooseMiniBlock(rows, {.shape = {.variable = true}}, request, arrow::default_memory_pool());
  if (!choice.ok()) return choice.status().ToString();
  return (choice->dictionary ? "dictionary of " : "") + DescribeEncoding(choice->encoder->wire());
}

std::vector<std::string> Texts(size_t n, size_t distinct) {
  std::vector<std::string> texts;
  for (size_t i = 0; i < n; ++i)
    texts.push_back("the text of number " + std::to_string(i * 7919 % distinct));
  return texts;
}

TEST(Choose, NarrowIntegersArePacked) {
  EXPECT_EQ(ChoiceFor(RandomValues<uint32_t>(5000, 7)), DescribeEncoding(InlineBitpackingWire(32)));
  EXPECT_EQ(ChoiceFor(RandomValues<uint8_t>(5000, 3)), DescribeEncoding(InlineBitpackingWire(8)));
}

TEST(Choose, WideIntegersStayAsTheyAre) {
  EXPECT_EQ(ChoiceFor(RandomValues<uint64_t>(5000, 64)), DescribeEncoding(FlatWire(64)));
}

TEST(Choose, LongRunsAreCounted) {
  std::vector<uint32_t> words(5000);
  const auto values = RandomValues<uint32_t>(5000, 32);
  for (size_t i = 0; i < words.size(); ++i) words[i] = values[i / 100];
  EXPECT_EQ(ChoiceFor(words), DescribeEncoding(RleWire(32)));
}

TEST(Choose, FewWideValuesMakeADictionary) {
  const auto values = RandomValues<uint64_t>(16, 64);
  std::vector<uint64_t> words(5000);
  std::mt19937_64 random(2);
  for (uint64_t& word : words) word = values[random() % values.size()];
  EXPECT_EQ(ChoiceFor(words), "dictionary of " + DescribeEncoding(InlineBitpackingWire(32)));
}

TEST(Choose, TextThatRepeatsMakesADictionary) {
  EXPECT_EQ(ChoiceFor(Texts(5000, 50)),
            "dictionary of " + DescribeEncoding(InlineBitpackingWire(32)));
}

TEST(Choose, TextOfCommonPartsHasSymbols) {
  EXPECT_TRUE(ChoiceFor(Texts(5000, 5000)).starts_with("fsst"));
}

TEST(Choose, FewOrRandomTextsStayAsTheyAre) {
  EXPECT_EQ(ChoiceFor(Texts(20, 20)), DescribeEncoding(VariableWire(32)));
  std::vector<std::string> random;
  for (uint64_t i = 0; i < 5000; ++i) random.push_back(Raw(RandomValues<uint64_t>(4, 64, i)));
  EXPECT_EQ(ChoiceFor(random), DescribeEncoding(VariableWire(32)));
}

TEST(Choose, FieldsGetWhatTheyAskFor) {
  const auto narrow = RandomValues<uint32_t>(5000, 7);
  EXPECT_EQ(ChoiceFor(narrow, {.plain = true}), DescribeEncoding(FlatWire(32)));
  EXPECT_EQ(ChoiceFor(narrow, {.general = CompressionScheme::kZstd}),
            DescribeEncoding(GeneralWire(CompressionScheme::kZstd, FlatWire(32))));
  EXPECT_EQ(ChoiceFor(Texts(5000, 50), {.general = CompressionScheme::kLz4}),
            DescribeEncoding(GeneralWire(CompressionScheme::kLz4, VariableWire(32))));
}

TEST(ReadRequest, OfTheMetadataOfAField) {
  const auto request = [](std::vector<std::string> keys, std::vector<std::string> values) {
    return ReadRequest(*arrow::field(
        "f", arrow::int32(), true, arrow::key_value_metadata(std::move(keys), std::move(values))));
  };
  EXPECT_FALSE(ReadRequest(*arrow::field("f", arrow::int32())).ValueOrDie().general);
  EXPECT_TRUE(request({"lance-encoding:compression"}, {"none"}).ValueOrDie().plain);
  const auto zstd =
      request({"lance-encoding:compression", "lance-encoding:compression-level"}, {"zstd", "7"})
          .ValueOrDie();
  EXPECT_EQ(zstd.general, CompressionScheme::kZstd);
  EXPECT_EQ(zstd.level, 7);
  for (const auto& [key, value] :
       {std::pair("compression", "zip"), {"compression-level", "high"}}) {
    EXPECT_EQ(GetErrorKind(request({std::string("lance-encoding:") + key}, {value}).status()),
              ErrorKind::kInvalidArgument);
  }
}

}  // namespace
}  // namespace pilum::encoding
