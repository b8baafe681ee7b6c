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

/// Rows of texts, with what they point into.
struct TextRows {
  explicit TextRows(const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      bytes += value;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
    rows.rows = rows.entries = rows.slots = values.size();
    rows.values.offsets = offsets;
    rows.values.bytes = AsBytes(bytes);
  }
  TextRows(const TextRows&) = delete;

  std::string bytes;
  std::vector<uint32_t> offsets = {0};
  LeafRows rows;
};

std::string ChoiceFor(const std::vector<std::string>& values,
                      const CompressionRequest& request = {}) {
  const TextRows texts(values);
  auto choice = ChooseMiniBlock(texts.rows, {.shape = {.variable = true}}, request,
                                arrow::default_memory_pool());
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
  EXPECT_EQ(ChoiceFor(narrow, {.general = CompressionScheme::kZstd, .split = false}),
            DescribeEncoding(GeneralWire(CompressionScheme::kZstd, FlatWire(32))));
  EXPECT_EQ(ChoiceFor(Texts(5000, 50), {.general = CompressionScheme::kLz4}),
            DescribeEncoding(GeneralWire(CompressionScheme::kLz4, VariableWire(32))));
}

TEST(Choose, BytesOfWordsAreSplitWhereItPays) {
  const CompressionRequest zstd{.general = CompressionScheme::kZstd};
  EXPECT_EQ(ChoiceFor(RandomValues<uint64_t>(5000, 17), zstd), "zstd(byte_stream_split(flat64))");
  EXPECT_EQ(ChoiceFor(RandomValues<uint32_t>(5000, 32), zstd), "zstd(flat32)");
  EXPECT_EQ(ChoiceFor(RandomValues<uint32_t>(5000, 32),
                      {.general = CompressionScheme::kLz4, .split = true}),
            "lz4(byte_stream_split(flat32))");
  EXPECT_EQ(ChoiceFor(RandomValues<uint16_t>(5000, 7), zstd), "zstd(flat16)");
}

/// What large values are encoded with, one by one.
std::string LargeChoiceFor(const std::vector<std::string>& values,
                           const CompressionRequest& request = {}) {
  const TextRows texts(values);
  auto choice = ChoosePerValue(texts.rows, {.shape = {.variable = true}}, request);
  if (!choice.ok()) return choice.status().ToString();
  EXPECT_EQ(choice->encoded != nullptr, choice->encoder->wire().has_fsst());
  return DescribeEncoding(choice->encoder->wire());
}

TEST(Choose, LargeValuesAreCompressedWhereItPays) {
  const auto random = [](size_t words) { return Raw(RandomValues<uint64_t>(words, 64, words)); };
  std::string text;
  for (const std::string& one : Texts(3000, 3000)) text += one;
  EXPECT_EQ(LargeChoiceFor({text, text, text}), "zstd(variable)");
  EXPECT_EQ(LargeChoiceFor({random(9000), random(9001), random(9002)}), "variable");
  EXPECT_EQ(LargeChoiceFor(std::vector(200, text.substr(0, 700))), "fsst(variable)");
  EXPECT_EQ(LargeChoiceFor(std::vector(200, random(100))), "variable");
  EXPECT_EQ(LargeChoiceFor({text.substr(0, 700)}), "variable");  // too little to tell
  EXPECT_EQ(LargeChoiceFor({text}, {.plain = true}), "variable");
  EXPECT_EQ(LargeChoiceFor({random(99)}, {.general = CompressionScheme::kLz4}), "lz4(variable)");
}

TEST(Choose, ValuesOfDictionariesAreCompressed) {
  const auto values = Texts(5000, 200);
  const TextRows texts(values);
  const auto wire = [&](std::optional<CompressionScheme> scheme) {
    auto choice = ChooseDictionary(texts.rows, {.shape = {.variable = true}},
                                   {.dictionary = scheme}, arrow::default_memory_pool());
    return DescribeEncoding((*choice)->dictionary->wire);
  };
  EXPECT_EQ(wire(std::nullopt), "variable");
  EXPECT_EQ(wire(CompressionScheme::kLz4), "lz4(variable)");
  EXPECT_EQ(wire(CompressionScheme::kZstd), "zstd(variable)");
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
  EXPECT_FALSE(ReadRequest(*arrow::field("f", arrow::int32())).ValueOrDie().split);
  EXPECT_EQ(request({"lance-encoding:bss"}, {"on"}).ValueOrDie().split, true);
  EXPECT_EQ(request({"lance-encoding:bss"}, {"off"}).ValueOrDie().split, false);
  EXPECT_FALSE(request({"lance-encoding:bss"}, {"auto"}).ValueOrDie().split);
  const std::string values = "lance-encoding:dict-values-compression";
  EXPECT_EQ(request({values}, {"zstd"}).ValueOrDie().dictionary, CompressionScheme::kZstd);
  EXPECT_FALSE(request({values}, {"none"}).ValueOrDie().dictionary);
  for (const auto& [key, value] : {std::pair("compression", "zip"),
                                   {"compression-level", "high"},
                                   {"bss", "maybe"},
                                   {"dict-values-compression", "zip"}}) {
    EXPECT_EQ(GetErrorKind(request({std::string("lance-encoding:") + key}, {value}).status()),
              ErrorKind::kInvalidArgument);
  }
}

}  // namespace
}  // namespace pilum::encoding
