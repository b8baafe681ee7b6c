#include "encoding/leaf_builder.h"

#include <gtest/gtest.h>

#include <arrow/array.h>
#include <arrow/builder.h>

#include "encoding/page_layout/test_page.h"

namespace pilum::encoding {
namespace {

arrow::MemoryPool* Pool() { return arrow::system_memory_pool(); }

Values FixedOf(const std::string& bytes) {
  Values values;
  values.fixed = AsBytes(bytes);
  return values;
}

/// Strings as decoded values; keeps what they point at.
struct TextValues {
  explicit TextValues(const std::vector<std::string>& strings) {
    offsets.push_back(3);  // values need not start at the first byte
    bytes = "???";
    for (const std::string& text : strings) {
      bytes += text;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
  }
  Values values() const {
    Values values;
    values.offsets = offsets;
    values.bytes = AsBytes(bytes);
    return values;
  }
  std::vector<uint32_t> offsets;
  std::string bytes;
};

TEST(LeafBuilder, FixedValuesInAnyOrder) {
  const LeafType type{.shape = {.bits = 16}};
  const std::string bytes = Raw<uint16_t>({10, 11, 12, 13});
  auto builder = *LeafBuilder::MakeFlat(type, 4, false, Pool());
  ASSERT_TRUE(builder->Put(2, FixedOf(bytes), 0, 2, false).ok());
  ASSERT_TRUE(builder->Put(0, FixedOf(bytes), 2, 2, false).ok());
  EXPECT_EQ(FixedValues<uint16_t>(*builder->Finish()), (std::vector<uint16_t>{12, 13, 10, 11}));
}

TEST(LeafBuilder, ValuesThatAreNotThereAreErrors) {
  auto builder = *LeafBuilder::MakeFlat({.shape = {.bits = 16}}, 4, true, Pool());
  EXPECT_FALSE(builder->Put(0, FixedOf("abcd"), 1, 2, false).ok());
}

TEST(LeafBuilder, RunsOfRowsInAnyOrder) {
  // Of rows 100 to 107: the first run begins before them, the last goes on behind.
  const std::vector<encoding::Run> runs = {
      {98, 4, 0}, {101, 1, 9}, {101, 1, 4}, {103, 3, 5}, {106, 9, 10}};
  const std::vector<int> rows = {-1, -1, 100, 101, 101, 103, 104, 105, -1, 101, 106, 107};
  for (uint64_t width : {1, 2, 3, 4, 8, 16}) {
    std::string bytes;
    std::string expected;
    for (char row = 100; row < 108; ++row) bytes += std::string(width, row);
    for (int row : rows) expected += std::string(width, row < 0 ? '\0' : static_cast<char>(row));
    auto builder = *LeafBuilder::MakeFlat({.shape = {.bits = width * 8}}, 12, false, Pool());
    ASSERT_TRUE(builder->PutNothing(0, 12).ok());
    ASSERT_TRUE(builder->PutRuns(runs, FixedOf(bytes), 100, 108).ok());
    EXPECT_FALSE(builder->PutRuns(runs, FixedOf(bytes.substr(1)), 100, 108).ok());
    EXPECT_EQ(builder->Finish()->values->ToString(), expected);
  }
}

TEST(LeafBuilder, NullsOfRuns) {
  auto builder = *LeafBuilder::MakeFlat({.shape = {.bits = 8}}, 6, false, Pool());
  const std::vector<encoding::Run> runs = {{8, 3, 3}, {11, 1, 0}, {13, 5, 1}};
  const std::vector<uint16_t> valid(5), def = {1, 0, 1, 1, 0};
  ASSERT_TRUE(builder->PutValidity(runs, valid, 10).ok());
  ASSERT_TRUE(builder->PutValidity(runs, def, 10).ok());
  EXPECT_EQ(Bits(builder->Finish()->validity, 6),
            (std::vector<bool>{true, false, true, true, true, false}));
}

TEST(LeafBuilder, BitsAtEveryPosition) {
  std::vector<bool> expected(40);
  auto builder = *LeafBuilder::MakeFlat({.shape = {.bits = 1}}, 40, false, Pool());
  ASSERT_TRUE(builder->PutNothing(0, 40).ok());
  const std::string bits = Hex("B5 3C");
  for (uint64_t first = 0; first < 8; ++first) {
    const int64_t slot = 35 - static_cast<int64_t>(first) * 5;
    ASSERT_TRUE(builder->Put(slot, FixedOf(bits), first, 5, false).ok());
    for (uint64_t i = 0; i < 5; ++i)
      expected[static_cast<size_t>(slot) + i] = (0x3CB5 >> (first + i)) & 1;
  }
  EXPECT_EQ(Bits(builder->Finish()->values, 40), expected);
}

TEST(LeafBuilder, WritesDirectlyOnlyWhereBytesStart) {
  auto bits = *LeafBuilder::MakeFlat({.shape = {.bits = 1}}, 16, true, Pool());
  EXPECT_NE(bits->DirectFixed(8), nullptr);
  EXPECT_EQ(bits->DirectFixed(3), nullptr);
  auto strings = *LeafBuilder::MakeFlat({.shape = {.variable = true}}, 16, true, Pool());
  EXPECT_EQ(strings->DirectFixed(0), nullptr);
}

TEST(LeafBuilder, StringsInOrder) {
  for (bool wide : {false, true}) {
    const LeafType type{.shape = {.variable = true}, .wide_offsets = wide};
    const TextValues text({"a", "", "ccc", "dd"});
    auto builder = *LeafBuilder::MakeFlat(type, 7, true, Pool());
    ASSERT_TRUE(builder->Put(0, text.values(), 1, 3, false).ok());
    ASSERT_TRUE(builder->PutNothing(3, 2).ok());
    ASSERT_TRUE(builder->PutRepeated(5, AsBytes("zz"), 1).ok());
    ASSERT_TRUE(builder->Put(6, text.values(), 0, 1, false).ok());
    auto leaf = builder->Finish();
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(Strings(*leaf, wide), (std::vector<std::string>{"", "ccc", "dd", "", "", "zz", "a"}));
  }
}

TEST(LeafBuilder, StringsInOrderMustAllCome) {
  auto builder = *LeafBuilder::MakeFlat({.shape = {.variable = true}}, 3, true, Pool());
  ASSERT_TRUE(builder->PutNothing(0, 2).ok());
  EXPECT_FALSE(builder->Finish().ok());
}

TEST(LeafBuilder, ScatteredStringsSurviveTheirSource) {
  for (bool wide : {false, true}) {
    const LeafType type{.shape = {.variable = true}, .wide_offsets = wide};
    auto builder = *LeafBuilder::MakeFlat(type, 5, false, Pool());
    const TextValues kept({"kept", "too"});
    {
      const TextValues gone({"gone", "soon"});
      ASSERT_TRUE(builder->Put(3, gone.values(), 0, 2, /*stable=*/false).ok());
    }
    ASSERT_TRUE(builder->Put(0, kept.values(), 0, 2, /*stable=*/true).ok());
    auto leaf = builder->Finish();
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(Strings(*leaf, wide), (std::vector<std::string>{"kept", "too", "", "gone", "soon"}));
  }
}

TEST(LeafBuilder, StringsOfKnownLengthsAreWrittenInPlace) {
  for (bool wide : {false, true}) {
    const LeafType type{.shape = {.variable = true}, .wide_offsets = wide};
    auto builder = *LeafBuilder::MakeFlat(type, 4, false, Pool());
    EXPECT_TRUE(builder->PlaceOf(1).empty());
    ASSERT_TRUE(builder->SetLengths(std::vector<uint64_t>{3, 2, 0, 1}).ok());
    ASSERT_TRUE(builder->PutBytes(3, AsBytes("c"), false).ok());
    ASSERT_TRUE(builder->PutNothing(2, 1).ok());
    ASSERT_TRUE(builder->PutBytes(0, AsBytes("aaa"), true).ok());
    EXPECT_FALSE(builder->PutBytes(0, AsBytes("aaaa"), true).ok());
    const auto place = builder->PlaceOf(1);
    ASSERT_EQ(place.size(), 2u);
    std::fill(place.begin(), place.end(), std::byte{'b'});
    auto leaf = builder->Finish();
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(Strings(*leaf, wide), (std::vector<std::string>{"aaa", "bb", "", "c"}));
  }
}

TEST(LeafBuilder, MoreBytesThanOffsetsCanSayAreAnError) {
  const LeafType type{.shape = {.variable = true}};
  auto builder = *LeafBuilder::MakeFlat(type, 2, false, Pool());
  EXPECT_FALSE(builder->SetLengths(std::vector<uint64_t>{INT32_MAX, 1}).ok());
}

TEST(LeafBuilder, ValidityExistsOnlyIfSomethingIsNull) {
  auto builder = *LeafBuilder::MakeFlat({.shape = {.bits = 8}}, 3, true, Pool());
  const std::vector<uint16_t> valid = {0, 0, 0};
  ASSERT_TRUE(builder->PutValidity(0, valid).ok());
  EXPECT_EQ(builder->Finish()->validity, nullptr);
  builder = *LeafBuilder::MakeFlat({.shape = {.bits = 8}}, 9, true, Pool());
  ASSERT_TRUE(builder->PutNulls(8, 1).ok());
  auto leaf = builder->Finish();
  EXPECT_EQ(leaf->null_count, 1);
  EXPECT_FALSE(Bits(leaf->validity, 9)[8]);
}

TEST(LeafBuilder, ItemBitmapsThatAreTooShortAreErrors) {
  const LeafType type{.shape = {.bits = 6 * 8, .list_sizes = {2, 3}}};
  auto builder = *LeafBuilder::MakeFlat(type, 4, true, Pool());
  const std::string bytes(24, 'x'), bitmap = Hex("FF");
  Values values = FixedOf(bytes);
  values.item_validity = {AsBytes(bitmap), AsBytes(bitmap)};  // 24 items are 3 bytes
  EXPECT_FALSE(builder->Put(0, values, 0, 4, false).ok());
}

TEST(LeafBuilder, ItemValidityComesLate) {
  // The first values have no bitmap, the second have one, the last have no value at all.
  const LeafType type{.shape = {.bits = 16, .list_sizes = {2}}};
  auto builder = *LeafBuilder::MakeNested(type, LevelScheme({Layer::kItem, Layer::kItem}), Pool());
  const std::string bytes = "abcdefgh";
  Values values = FixedOf(bytes);
  values.item_validity = {Bytes()};
  ASSERT_TRUE(builder->Put(*builder->AppendSlots(2), values, 0, 2, false).ok());
  const std::string bitmap = Hex("06");
  values.item_validity = {AsBytes(bitmap)};
  ASSERT_TRUE(builder->Put(*builder->AppendSlots(2), values, 0, 2, false).ok());
  ASSERT_TRUE(builder->PutNothing(*builder->AppendSlots(1000), 1000).ok());
  auto leaf = builder->Finish();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  ASSERT_GE(leaf->item_validity[0]->size(), 1004 * 2 / 8);
  const auto bits = Bits(leaf->item_validity[0], 1004 * 2);
  EXPECT_EQ(std::vector<bool>(bits.begin(), bits.begin() + 8),
            (std::vector<bool>{true, true, true, true, false, true, true, false}));
}

TEST(LeafBuilder, LevelsAreTranslatedToTheScheme) {
  const LevelScheme scheme({Layer::kItem, Layer::kList});
  auto builder = *LeafBuilder::MakeNested({.shape = {.bits = 8}}, scheme, Pool());
  PageLevels page{.to_scheme = {0, 2, 3}, .max_visible = 0};
  const std::vector<uint16_t> rep = {1, 0, 1}, def = {0, 0, 2};
  ASSERT_TRUE(builder->AppendLevels(page, rep, def, 3).ok());
  ASSERT_TRUE(builder->AppendLevels(page, {}, {}, 2).ok());
  ASSERT_TRUE(builder->AppendNullRows(1).ok());
  auto leaf = builder->Finish();
  EXPECT_EQ(leaf->rep, (std::vector<uint16_t>{1, 0, 1, 1, 1, 1}));
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{0, 0, 3, 0, 0, 2}));
}

TEST(LeafBuilder, NullRowsOfStructsOwnSlots) {
  auto builder = *LeafBuilder::MakeNested({.shape = {.variable = true}},
                                          LevelScheme({Layer::kItem, Layer::kItem}), Pool());
  ASSERT_TRUE(builder->AppendNullRows(2).ok());
  auto leaf = builder->Finish();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->slots, 2);
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{2, 2}));
}

std::shared_ptr<arrow::Array> Dictionary(const std::vector<std::string>& items) {
  arrow::StringBuilder builder;
  EXPECT_TRUE(builder.AppendValues(items).ok());
  return *builder.Finish();
}

TEST(LeafBuilder, UnifiesDictionariesOfPages) {
  const LeafType type{.shape = {.bits = 8}, .dictionary = true, .dictionary_type = arrow::utf8()};
  auto builder = *LeafBuilder::MakeFlat(type, 6, false, Pool());
  const auto first = Dictionary({"a", "b"}), second = Dictionary({"c", "a"});
  const std::string keys = Hex("00 01 07");
  ASSERT_TRUE(builder->UseDictionary(first).ok());
  ASSERT_TRUE(builder->Put(3, FixedOf(keys), 0, 3, false).ok());  // the last key is out of range
  ASSERT_TRUE(builder->UseDictionary(second).ok());
  ASSERT_TRUE(builder->Put(0, FixedOf(keys), 0, 2, false).ok());
  ASSERT_TRUE(builder->PutNothing(2, 1).ok());
  auto leaf = builder->Finish();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_TRUE(leaf->dictionary->Equals(*Dictionary({"a", "b", "c"})));
  EXPECT_EQ(FixedValues<uint8_t>(*leaf), (std::vector<uint8_t>{2, 0, 0, 0, 1, 255}));
}

TEST(LeafBuilder, TheSameDictionaryIsKept) {
  const LeafType type{.shape = {.bits = 32}, .dictionary = true, .dictionary_type = arrow::utf8()};
  auto builder = *LeafBuilder::MakeFlat(type, 1, true, Pool());
  const auto dictionary = Dictionary({"x"});
  ASSERT_TRUE(builder->UseDictionary(dictionary).ok());
  ASSERT_TRUE(builder->UseDictionary(dictionary).ok());
  EXPECT_EQ(builder->Finish()->dictionary, dictionary);
}

TEST(LeafBuilder, RefusesColumnsOfImpossibleSize) {
  EXPECT_FALSE(
      LeafBuilder::MakeFlat({.shape = {.bits = uint64_t{1} << 40}}, int64_t{1} << 32, true, Pool())
          .ok());
}

TEST(LeafBuilder, GathersItemsByNumber) {
  const std::string bytes = "abbccc";
  const std::vector<uint32_t> offsets = {0, 1, 3, 6};
  const Values items{.offsets = offsets, .bytes = AsBytes(bytes)};
  const std::vector<uint64_t> index = {2, LeafBuilder::kNoItem, 0, 2, 1};
  const std::vector<std::string> expected = {"ccc", "", "a", "ccc", "bb"};
  for (bool wide : {false, true}) {
    const LeafType type{.shape = {.variable = true}, .wide_offsets = wide};
    for (bool in_order : {false, true}) {
      auto builder = *LeafBuilder::MakeFlat(type, 5, in_order, arrow::system_memory_pool());
      const std::span<const uint64_t> all(index);
      ASSERT_TRUE(builder->PutGathered(0, items, all.first(2)).ok());
      ASSERT_TRUE(builder->PutGathered(2, items, all.subspan(2)).ok());
      EXPECT_EQ(Strings(*builder->Finish(), wide), expected);
    }
  }
  const std::vector<uint16_t> numbers = {7, 8, 9};
  const std::string raw = Raw(numbers);
  auto builder =
      *LeafBuilder::MakeFlat({.shape = {.bits = 16}}, 5, true, arrow::system_memory_pool());
  ASSERT_TRUE(builder->PutGathered(0, {.fixed = AsBytes(raw)}, index).ok());
  EXPECT_EQ(FixedValues<uint16_t>(*builder->Finish()), (std::vector<uint16_t>{9, 0, 7, 9, 8}));
}

}  // namespace
}  // namespace pilum::encoding
