#include "encoding/v2_0/leaf_page.h"

#include <gtest/gtest.h>

#include <random>

#include <arrow/array.h>

#include "encoding/page_layout/test_page.h"

namespace pilum::encoding::v2_0 {
namespace {

lance::encodings::Flat* SetFlat(WireArray* wire, uint64_t bits, uint32_t buffer) {
  wire->mutable_flat()->set_bits_per_value(bits);
  wire->mutable_flat()->mutable_buffer()->set_buffer_index(buffer);
  return wire->mutable_flat();
}

void SetSomeNulls(WireArray* wire, uint32_t validity_buffer, const WireArray& values) {
  auto* nulls = wire->mutable_nullable()->mutable_some_nulls();
  SetFlat(nulls->mutable_validity(), 1, validity_buffer);
  *nulls->mutable_values() = values;
}

struct Page {
  WireArray wire;
  std::vector<std::string> buffers;
  LeafType type;

  arrow::Result<LeafData> Read(uint64_t first, uint64_t count) const {
    std::vector<ByteRange> locations;
    std::string file;
    for (const std::string& buffer : buffers) {
      locations.push_back({file.size(), buffer.size()});
      file += buffer;
    }
    ARROW_ASSIGN_OR_RAISE(auto page, LeafPage::Make(wire, locations, type));
    std::vector<std::vector<std::byte>> owned;
    owned.reserve(16);
    const auto fetch = [&](const std::vector<ByteRange>& ranges) {
      std::vector<Bytes> views;
      for (const ByteRange& range : ranges) {
        const Bytes bytes = AsBytes(file).subspan(range.offset, range.length);
        owned.emplace_back(bytes.begin(), bytes.end());
        views.emplace_back(owned.back());
      }
      return views;
    };
    std::vector<ByteRange> ranges;
    page.FirstRanges(first, count, &ranges);
    const auto fetched = fetch(ranges);
    ranges.clear();
    ARROW_RETURN_NOT_OK(page.SecondRanges(first, count, fetched, &ranges));
    const auto second = fetch(ranges);
    ARROW_ASSIGN_OR_RAISE(auto builder, LeafBuilder::MakeFlat(type, static_cast<int64_t>(count),
                                                              true, arrow::system_memory_pool()));
    Arena arena;
    ARROW_RETURN_NOT_OK(page.Decode(first, count, fetched, second, 0, &arena, builder.get()));
    return builder->Finish();
  }
};

Page GoldenStrings() {
  // ["ab", null, "", "c"]: ends 2, 6, 2, 3 where 4 marks a null.
  Page page{.type = {.shape = {.variable = true}}};
  auto* binary = page.wire.mutable_binary();
  SetFlat(binary->mutable_indices(), 64, 0);
  SetFlat(binary->mutable_bytes(), 8, 1);
  binary->set_null_adjustment(4);
  page.buffers = {Raw<uint64_t>({2, 6, 2, 3}), "abc"};
  return page;
}

TEST(LeafPageV2_0, DecodesGoldenStrings) {
  const Page page = GoldenStrings();
  auto leaf = page.Read(0, 4);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"ab", "", "", "c"}));
  EXPECT_EQ(Bits(leaf->validity, 4), (std::vector<bool>{true, false, true, true}));
  for (uint64_t first = 0; first < 4; ++first) {
    auto one = page.Read(first, 1);
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_EQ(Strings(*one)[0], Strings(*leaf)[first]);
    EXPECT_EQ(one->null_count, first == 1);
  }
}

TEST(LeafPageV2_0, GoldenListEnds) {
  // [[1, 2], null, [], [3]]: ends 2, 6, 2, 3 where 4 marks a null.
  Arena arena;
  const std::string stored = Raw<uint64_t>({2, 6, 2, 3});
  auto ends = ReadEnds(AsBytes(stored), false, 4, 4, 3, &arena);
  ASSERT_TRUE(ends.ok()) << ends.status();
  EXPECT_EQ(std::vector<uint64_t>(ends->positions.begin(), ends->positions.end()),
            (std::vector<uint64_t>{0, 2, 2, 2, 3}));
  EXPECT_EQ(std::vector<uint16_t>(ends->def.begin(), ends->def.end()),
            (std::vector<uint16_t>{0, 1, 0, 0}));
  ends = ReadEnds(AsBytes(stored), true, 3, 4, 3, &arena);
  ASSERT_TRUE(ends.ok()) << ends.status();
  EXPECT_EQ(ends->positions[0], 2u);
  EXPECT_FALSE(ReadEnds(AsBytes(stored), false, 4, 4, 2, &arena).ok());  // beyond the items
  EXPECT_FALSE(ReadEnds(AsBytes(Raw<uint64_t>({3, 1})), false, 2, 0, 9, &arena).ok());
}

TEST(LeafPageV2_0, BitsAtEveryPosition) {
  Page page{.buffers = {Hex("B53C7A")}, .type = {.shape = {.bits = 1}}};
  SetFlat(&page.wire, 1, 0);
  for (uint64_t first = 0; first < 20; ++first) {
    auto leaf = page.Read(first, 4);
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    for (uint64_t i = 0; i < 4; ++i)
      EXPECT_EQ(Bits(leaf->values, 4)[i], ((0x7A3CB5 >> (first + i)) & 1) != 0) << first;
  }
  EXPECT_FALSE(page.Read(22, 4).ok());
}

TEST(LeafPageV2_0, NullsOfEveryKind) {
  WireArray flat;
  SetFlat(&flat, 16, 1);
  Page page{.buffers = {Hex("0D"), Raw<uint16_t>({1, 2, 3, 4})}, .type = {.shape = {.bits = 16}}};
  SetSomeNulls(&page.wire, 0, flat);
  auto leaf = page.Read(1, 3);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Bits(leaf->validity, 3), (std::vector<bool>{false, true, true}));
  page.wire.Clear();
  *page.wire.mutable_nullable()->mutable_no_nulls()->mutable_values() = flat;
  EXPECT_EQ(page.Read(0, 4)->null_count, 0);
  page.wire.Clear();
  page.wire.mutable_nullable()->mutable_all_nulls();
  EXPECT_EQ(page.Read(0, 4)->null_count, 4);
}

TEST(LeafPageV2_0, StringDictionariesCountFromOne) {
  Page page{.type = {.shape = {.variable = true}}};
  auto* dictionary = page.wire.mutable_dictionary();
  SetFlat(dictionary->mutable_indices(), 8, 0);
  auto* items = dictionary->mutable_items()->mutable_binary();
  SetFlat(items->mutable_indices(), 64, 1);
  SetFlat(items->mutable_bytes(), 8, 2);
  items->set_null_adjustment(6);
  dictionary->set_num_dictionary_items(2);
  page.buffers = {Hex("01 00 02 01"), Raw<uint64_t>({3, 5}), "onetw"};
  auto leaf = page.Read(0, 4);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"one", "", "tw", "one"}));
  EXPECT_EQ(leaf->null_count, 1);
  page.buffers[0] = Hex("01 00 03 01");
  EXPECT_FALSE(page.Read(0, 4).ok());
}

TEST(LeafPageV2_0, ArrowDictionariesCountFromZero) {
  Page page{.type = {.shape = {.bits = 16}, .dictionary = true, .dictionary_type = arrow::int32()}};
  auto* dictionary = page.wire.mutable_dictionary();
  SetFlat(dictionary->mutable_indices(), 16, 0);
  SetFlat(dictionary->mutable_items(), 32, 1);
  dictionary->set_num_dictionary_items(2);
  page.buffers = {Raw<uint16_t>({1, 0, 1}), Raw<int32_t>({-7, 9})};
  auto leaf = page.Read(0, 3);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(FixedValues<uint16_t>(*leaf), (std::vector<uint16_t>{1, 0, 1}));
  EXPECT_EQ(leaf->dictionary->length(), 2);
}

TEST(LeafPageV2_0, ListsWithItemValidity) {
  Page page{.type = {.shape = {.bits = 24, .list_sizes = {3}}}};
  auto* list = page.wire.mutable_fixed_size_list();
  list->set_dimension(3);
  WireArray items;
  SetFlat(&items, 8, 1);
  SetSomeNulls(list->mutable_items(), 0, items);
  page.buffers = {Hex("D5 0A"), "abcdefghijkl"};
  auto leaf = page.Read(1, 2);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(leaf->values->data()), 6), "defghi");
  std::vector<bool> expected;
  for (int i = 3; i < 9; ++i) expected.push_back((0x0AD5 >> i) & 1);
  EXPECT_EQ(Bits(leaf->item_validity[0], 6), expected);
}

TEST(LeafPageV2_0, FsstBinary) {
  const std::vector<std::string> symbols = {"hello "};
  Page page{.type = {.shape = {.variable = true}}};
  const std::string table = SymbolTable(symbols);
  page.wire.mutable_fsst()->set_symbol_table(table);
  auto* binary = page.wire.mutable_fsst()->mutable_binary()->mutable_binary();
  SetFlat(binary->mutable_indices(), 64, 0);
  SetFlat(binary->mutable_bytes(), 8, 1);
  page.buffers = {Raw<uint64_t>({1, 4}),
                  FsstEncode(symbols, "hello ") + FsstEncode(symbols, "hello x")};
  EXPECT_EQ(Strings(*page.Read(0, 2)), (std::vector<std::string>{"hello ", "hello x"}));
}

TEST(LeafPageV2_0, DamagedCompressionIsAnError) {
  for (const char* scheme : {"zstd", "lz4", "snappy"}) {
    Page page{.buffers = {Hex("0800000000000000 28B52FFD 0000")}, .type = {.shape = {.bits = 8}}};
    SetFlat(&page.wire, 8, 0)->mutable_compression()->set_scheme(scheme);
    EXPECT_FALSE(page.Read(0, 8).ok()) << scheme;
  }
}

TEST(LeafPageV2_0, EndsOfStringsAreChecked) {
  for (const std::vector<uint64_t>& ends : std::vector<std::vector<uint64_t>>{
           {2, 6, 1, 3}, {2, 6, 2, 9}, {2, 1, 2, 3}, {~uint64_t{0}, 2, 2, 3}, {2, 6, 2}}) {
    Page page = GoldenStrings();
    page.buffers[0] = Raw(ends);
    EXPECT_FALSE(page.Read(0, 4).ok());
  }
}

TEST(LeafPageV2_0, DescriptorsThatContradictThemselvesAreErrors) {
  Page page{.buffers = {"abcd"}, .type = {.shape = {.bits = 16}}};
  SetFlat(&page.wire, 32, 0);
  EXPECT_FALSE(page.Read(0, 1).ok());
  SetFlat(&page.wire, 16, 1);
  EXPECT_FALSE(page.Read(0, 1).ok());
  page.wire.Clear();
  EXPECT_FALSE(page.Read(0, 1).ok());
  WireArray inner;
  SetFlat(&inner, 16, 0);
  for (int i = 0; i < 30; ++i) {
    WireArray outer;
    *outer.mutable_nullable()->mutable_no_nulls()->mutable_values() = inner;
    inner = outer;
  }
  page.wire = inner;
  EXPECT_FALSE(page.Read(0, 1).ok());
  page.wire.Clear();
  page.wire.mutable_fixed_size_list()->set_dimension(0);
  EXPECT_FALSE(page.Read(0, 1).ok());
}

TEST(LeafPageV2_0, TruncatedAndFlippedPagesDoNotCrash) {
  const Page good = GoldenStrings();
  std::mt19937 random(9);
  for (size_t buffer = 0; buffer < good.buffers.size(); ++buffer) {
    for (size_t cut = 0; cut < good.buffers[buffer].size(); ++cut) {
      Page page = good;
      page.buffers[buffer].resize(cut);
      EXPECT_FALSE(page.Read(0, 4).ok()) << "buffer " << buffer << " cut at " << cut;
    }
  }
  for (int round = 0; round < 3000; ++round) {
    Page page = good;
    std::string& buffer = page.buffers[random() % 2];
    buffer[random() % buffer.size()] ^= static_cast<char>(1 << (random() % 8));
    (void)page.Read(0, 4);
    (void)page.Read(2, 2);
  }
}

}  // namespace
}  // namespace pilum::encoding::v2_0
