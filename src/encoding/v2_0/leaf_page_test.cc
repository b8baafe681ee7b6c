#include "encoding/v2_0/leaf_read.h"

#include <gtest/gtest.h>

#include <random>

#include <arrow/array.h>

#include "encoding/page_layout/test_page.h"
#include "pilum/error.h"

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

  std::vector<ByteRange> Locations() const {
    std::vector<ByteRange> locations;
    uint64_t at = 0;
    for (const std::string& buffer : buffers) {
      locations.push_back({at, buffer.size()});
      at += buffer.size();
    }
    return locations;
  }

  arrow::Result<LeafPage> Make() const { return LeafPage::Make(wire, Locations(), type); }

  /// Reads the slots; each range gets bytes of its own, of exactly the size asked for.
  arrow::Result<LeafData> Read(const std::vector<SlotRange>& slots) const {
    ARROW_ASSIGN_OR_RAISE(auto page, Make());
    auto read = LeafRead::Make(page, slots);
    Arena arena;
    std::vector<ByteRange> ranges;
    ARROW_RETURN_NOT_OK(read->RequestFirst(&ranges));
    std::vector<std::vector<std::byte>> first_bytes;
    ARROW_ASSIGN_OR_RAISE(const auto first, Fetch(ranges, &first_bytes));
    ranges.clear();
    ARROW_RETURN_NOT_OK(read->RequestSecond(first, &ranges, &arena));
    std::vector<std::vector<std::byte>> second_bytes;
    ARROW_ASSIGN_OR_RAISE(const auto second, Fetch(ranges, &second_bytes));
    int64_t rows = 0;
    for (const SlotRange& range : slots) rows += static_cast<int64_t>(range.count);
    ARROW_ASSIGN_OR_RAISE(auto builder,
                          LeafBuilder::MakeFlat(type, rows, true, arrow::system_memory_pool()));
    ARROW_RETURN_NOT_OK(read->Decode(first, second, 0, &arena, builder.get()));
    return builder->Finish();
  }

  arrow::Result<LeafData> Read(uint64_t first, uint64_t count) const {
    return Read(std::vector<SlotRange>{{first, count}});
  }

 private:
  arrow::Result<std::vector<Bytes>> Fetch(const std::vector<ByteRange>& ranges,
                                          std::vector<std::vector<std::byte>>* owned) const {
    std::string file;
    for (const std::string& buffer : buffers) file += buffer;
    for (const ByteRange& range : ranges) {
      if (range.offset > file.size() || range.length > file.size() - range.offset)
        return bytes::Corrupt("a range outside the file");
      const Bytes bytes = AsBytes(file).subspan(range.offset, range.length);
      owned->emplace_back(bytes.begin(), bytes.end());
    }
    return std::vector<Bytes>(owned->begin(), owned->end());
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

struct ParsedEnds {
  std::vector<uint64_t> positions;
  std::vector<uint16_t> def;
};

/// Reads stored ends of which there are no others.
arrow::Result<ParsedEnds> ReadEnds(const std::vector<uint64_t>& stored, uint64_t adjustment,
                                   uint64_t total, const std::vector<SlotRange>& slots) {
  const std::string file = Raw(stored);
  EndsRead read({.range = {0, file.size()}, .bits = 64}, adjustment);
  read.Want(slots);
  std::vector<ByteRange> ranges;
  ARROW_RETURN_NOT_OK(read.Request(&ranges));
  std::vector<Bytes> views;
  for (const ByteRange& range : ranges)
    views.push_back(AsBytes(file).subspan(range.offset, range.length));
  std::span<const Bytes> fetched = views;
  Arena arena;
  ARROW_RETURN_NOT_OK(read.Parse(slots, &fetched, &arena));
  ARROW_RETURN_NOT_OK(read.CheckTotal(total));
  return ParsedEnds{{read.positions().begin(), read.positions().end()},
                    {read.def().begin(), read.def().end()}};
}

TEST(EndsReadV2_0, GoldenLists) {
  // [[1, 2], null, [], [3]]: ends 2, 6, 2, 3 where 4 marks a null.
  auto ends = ReadEnds({2, 6, 2, 3}, 4, 3, {{0, 4}});
  ASSERT_TRUE(ends.ok()) << ends.status();
  EXPECT_EQ(ends->positions, (std::vector<uint64_t>{0, 2, 2, 2, 3}));
  EXPECT_EQ(ends->def, (std::vector<uint16_t>{0, 1, 0, 0}));
  ends = ReadEnds({2, 6, 2, 3}, 4, 3, {{0, 1}, {2, 2}});
  ASSERT_TRUE(ends.ok()) << ends.status();
  EXPECT_EQ(ends->positions, (std::vector<uint64_t>{0, 2, 2, 2, 3}));
  EXPECT_EQ(ends->def, (std::vector<uint16_t>{0, 0, 0}));
}

TEST(EndsReadV2_0, DamagedEndsAreErrors) {
  EXPECT_FALSE(ReadEnds({2, 6, 2, 3}, 4, 2, {{0, 4}}).ok());  // beyond the items
  EXPECT_FALSE(ReadEnds({3, 1}, 0, 9, {{0, 2}}).ok());
  EXPECT_FALSE(ReadEnds({3, 1}, 0, 9, {{0, 3}}).ok());
  EXPECT_FALSE(ReadEnds({~uint64_t{0}}, 0, 9, {{0, 1}}).ok());
  // What is wanted of the bytes must ascend, even if what lies between is not looked at.
  EXPECT_FALSE(ReadEnds({7, 8, 1, 2}, 0, 9, {{1, 1}, {3, 1}}).ok());
}

TEST(EndsReadV2_0, AdjustmentsThatMarkValuesAreErrors) {
  EXPECT_TRUE(ReadEnds({2, 3}, 4, 3, {{0, 2}}).ok());
  EXPECT_FALSE(ReadEnds({2, 3}, 3, 3, {{0, 2}}).ok());
  EXPECT_FALSE(ReadEnds({2, 3}, 1, 3, {{0, 2}}).ok());
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

/// Lists of `sizes`, outermost first, around the encoding that is returned.
WireArray* SetLists(WireArray* wire, const std::vector<uint32_t>& sizes) {
  for (uint32_t size : sizes) {
    wire->mutable_fixed_size_list()->set_dimension(size);
    wire = wire->mutable_fixed_size_list()->mutable_items();
  }
  return wire;
}

TEST(LeafPageV2_0, ListsInListsWithItemValidity) {
  // Two slots of 2 lists of 3 bytes: the second list of the first slot is null, and one byte.
  Page page{.buffers = {Hex("0D"), Hex("FE0F"), "abcdefghijkl"},
            .type = {.shape = {.bits = 48, .list_sizes = {2, 3}}}};
  WireArray bytes, lists;
  SetFlat(&bytes, 8, 2);
  SetSomeNulls(SetLists(&lists, {3}), 1, bytes);
  SetSomeNulls(SetLists(&page.wire, {2}), 0, lists);
  auto leaf = page.Read(0, 2);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(leaf->values->data()), 12), "abcdefghijkl");
  EXPECT_EQ(Bits(leaf->item_validity[0], 4), (std::vector<bool>{true, false, true, true}));
  EXPECT_FALSE(Bits(leaf->item_validity[1], 12)[0]);
  auto second = page.Read(1, 1);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(Bits(second->item_validity[0], 2), (std::vector<bool>{true, true}));
  EXPECT_EQ(Bits(second->item_validity[1], 6), std::vector<bool>(6, true));
}

TEST(LeafPageV2_0, SizesOfListsMustBeThoseOfTheType) {
  WireArray bytes;
  SetFlat(&bytes, 8, 1);
  for (const std::vector<uint32_t>& sizes :
       std::vector<std::vector<uint32_t>>{{1, 6}, {3, 2}, {6, 1}, {6}, {2, 3, 1}}) {
    Page page{.buffers = {Hex("FFFF"), std::string(12, 'x')},
              .type = {.shape = {.bits = 48, .list_sizes = {2, 3}}}};
    SetSomeNulls(SetLists(&page.wire, sizes), 0, bytes);
    EXPECT_FALSE(page.Make().ok()) << sizes[0];
  }
}

TEST(LeafPageV2_0, ListsOfNullItems) {
  Page page{.buffers = {Hex("05")}, .type = {.shape = {.bits = 64, .list_sizes = {2}}}};
  WireArray lists;
  SetLists(&lists, {2})->mutable_nullable()->mutable_all_nulls();
  SetSomeNulls(&page.wire, 0, lists);
  auto leaf = page.Read({{0, 1}, {2, 1}});
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->null_count, 0);
  EXPECT_EQ(FixedValues<uint64_t>(*leaf), (std::vector<uint64_t>{0, 0}));
  EXPECT_EQ(Bits(leaf->item_validity[0], 4), std::vector<bool>(4, false));
  EXPECT_EQ(page.Read(0, 3)->null_count, 1);
  page.type.shape.list_sizes = {3};
  EXPECT_FALSE(page.Make().ok());
}

TEST(LeafPageV2_0, NullItemsOfMoreSlotsThanAreMadeAtOnce) {
  Page page{.buffers = {std::string(75'000, '\xFE')},
            .type = {.shape = {.bits = 128, .list_sizes = {2, 2}}}};
  WireArray items;
  SetLists(&items, {2})->mutable_nullable()->mutable_all_nulls();
  SetSomeNulls(SetLists(&page.wire, {2}), 0, items);
  auto leaf = page.Read(4, 299'996);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  for (int64_t i = 0; i < 2 * leaf->slots; ++i)
    ASSERT_EQ(arrow::bit_util::GetBit(leaf->item_validity[0]->data(), i), i % 8 != 0) << i;
}

TEST(LeafPageV2_0, ListsInListsOfNullItems) {
  // The descriptor stops at the level whose items are null.
  for (const std::vector<uint32_t>& described : std::vector<std::vector<uint32_t>>{{3}, {3, 2}}) {
    Page page{.type = {.shape = {.bits = 48, .list_sizes = {3, 2}}}};
    SetLists(&page.wire, described)->mutable_nullable()->mutable_all_nulls();
    auto leaf = page.Read(1, 2);
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(Bits(leaf->item_validity[0], 6), std::vector<bool>(6, described.size() == 2));
    EXPECT_EQ(Bits(leaf->item_validity[1], 12), std::vector<bool>(12, false));
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(leaf->values->data()), 12),
              std::string(12, '\0'));
  }
}

/// Rows of a byte and a list of 3 bytes.
Page PackedRows() {
  Page page{.buffers = {"1abc2def3ghi"}, .type = {.shape = {.bits = 32, .fields = {8, 24}}}};
  auto* packed = page.wire.mutable_packed_struct();
  packed->mutable_buffer()->set_buffer_index(0);
  SetFlat(packed->add_inner()->mutable_nullable()->mutable_no_nulls()->mutable_values(), 8, 0);
  SetFlat(SetLists(packed->add_inner(), {3}), 8, 0);
  return page;
}

TEST(LeafPageV2_0, PackedStructs) {
  auto leaf = PackedRows().Read(1, 2);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(leaf->values->data()), 8), "2def3ghi");
}

TEST(LeafPageV2_0, FieldsOfPackedStructsMustBeThoseOfTheType) {
  const auto refused = [](const auto& change) {
    Page page = PackedRows();
    change(page.wire.mutable_packed_struct(), &page);
    return !page.Make().ok();
  };
  EXPECT_FALSE(refused([](auto*, Page*) {}));
  EXPECT_TRUE(refused([](auto* packed, Page*) { packed->mutable_inner()->SwapElements(0, 1); }));
  EXPECT_TRUE(refused([](auto* packed, Page*) { packed->mutable_inner()->RemoveLast(); }));
  EXPECT_TRUE(refused([](auto* packed, Page*) { packed->mutable_inner(0)->mutable_binary(); }));
  EXPECT_TRUE(refused([](auto* packed, Page*) {
    packed->mutable_buffer()->set_buffer_type(lance::encodings::Buffer::file);
  }));
  EXPECT_TRUE(refused([](auto* packed, Page*) { packed->mutable_buffer()->set_buffer_index(1); }));
  EXPECT_TRUE(refused([](auto*, Page* page) { page->type.shape.fields = {}; }));
  EXPECT_TRUE(refused([](auto*, Page* page) {
    page->wire.Clear();
    SetFlat(&page->wire, 32, 0);
  }));
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

TEST(LeafPageV2_0, LongFsstBinaryIsDecodedInBlocks) {
  const std::vector<std::string> symbols = {"0123456"};
  const std::string text = "0123456" + std::string(1000, 'x');  // a code, and 1000 escapes
  const std::string stored = FsstEncode(symbols, text);
  const uint64_t rows = (uint64_t{3} << 20) / stored.size();
  Page page{.type = {.shape = {.variable = true}}};
  page.wire.mutable_fsst()->set_symbol_table(SymbolTable(symbols));
  auto* binary = page.wire.mutable_fsst()->mutable_binary()->mutable_binary();
  SetFlat(binary->mutable_indices(), 64, 0);
  SetFlat(binary->mutable_bytes(), 8, 1);
  page.buffers.resize(2);
  for (uint64_t row = 0; row < rows; ++row) {
    page.buffers[1] += stored;
    page.buffers[0] += Number(uint64_t{page.buffers[1].size()});
  }
  auto leaf = page.Read(1, rows - 1);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), std::vector<std::string>(rows - 1, text));
}

/// 2000 strings "value 0", ….
Page CountingStrings(const std::string& scheme) {
  Page page{.type = {.shape = {.variable = true}}};
  auto* binary = page.wire.mutable_binary();
  SetFlat(binary->mutable_indices(), 64, 0);
  SetFlat(binary->mutable_bytes(), 8, 1)->mutable_compression()->set_scheme(scheme);
  std::string ends, bytes;
  for (int i = 0; i < 2000; ++i) {
    bytes += "value " + std::to_string(i);
    ends += Number(uint64_t{bytes.size()});
  }
  binary->set_null_adjustment(bytes.size() + 1);
  page.buffers = {ends, scheme == "zstd" ? Zstd(bytes) : scheme == "lz4" ? Lz4(bytes) : bytes};
  return page;
}

TEST(LeafPageV2_0, ScatteredSlotsOfCompressedStrings) {
  for (const char* scheme : {"none", "zstd", "lz4"}) {
    const Page page = CountingStrings(scheme);
    auto leaf = page.Read({{0, 2}, {3, 1}, {3, 1}, {700, 2}, {701, 1}, {1999, 1}});
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(Strings(*leaf),
              (std::vector<std::string>{"value 0", "value 1", "value 3", "value 3", "value 700",
                                        "value 701", "value 701", "value 1999"}));
    EXPECT_FALSE(page.Read(1999, 2).ok());
  }
}

TEST(LeafPageV2_0, BuffersAreFetchedOnceForAllSlots) {
  const auto ranges_of = [](const Page& page, const std::vector<SlotRange>& slots) {
    const auto parsed = page.Make().ValueOrDie();
    std::vector<ByteRange> ranges;
    EXPECT_TRUE(LeafRead::Make(parsed, slots)->RequestFirst(&ranges).ok());
    return ranges;
  };
  Page page{.buffers = {Zstd(std::string(8000, 'x'))}, .type = {.shape = {.bits = 64}}};
  SetFlat(&page.wire, 64, 0)->mutable_compression()->set_scheme("zstd");
  EXPECT_EQ(ranges_of(page, {{0, 1}, {5, 1}, {900, 1}}).size(), 1u);
  page.buffers = {std::string(8000, 'x')};
  SetFlat(&page.wire, 64, 0)->clear_compression();
  const auto ranges = ranges_of(page, {{1, 1}, {5, 1}, {900, 1}});
  ASSERT_EQ(ranges.size(), 2u);  // the first two are near
  EXPECT_EQ(ranges[0].offset, 8u);
  EXPECT_EQ(ranges[0].length, 40u);
  EXPECT_EQ(ranges[1].offset, 7200u);
  EXPECT_EQ(ranges[1].length, 8u);
}

TEST(LeafPageV2_0, ScatteredSlotsOfBits) {
  Page bits{.buffers = {Hex("B53C7A")}, .type = {.shape = {.bits = 1}}};
  SetFlat(&bits.wire, 1, 0);
  auto leaf = bits.Read({{1, 2}, {5, 1}, {5, 4}, {20, 3}});
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  std::vector<bool> expected;
  for (int i : {1, 2, 5, 5, 6, 7, 8, 20, 21, 22}) expected.push_back((0x7A3CB5 >> i) & 1);
  EXPECT_EQ(Bits(leaf->values, 10), expected);
}

TEST(LeafPageV2_0, DictionariesWithNullItems) {
  Page page{.type = {.shape = {.variable = true}}};
  auto* dictionary = page.wire.mutable_dictionary();
  SetFlat(dictionary->mutable_indices(), 8, 0);
  auto* items = dictionary->mutable_items()->mutable_binary();
  SetFlat(items->mutable_indices(), 64, 1);
  SetFlat(items->mutable_bytes(), 8, 2);
  items->set_null_adjustment(6);
  dictionary->set_num_dictionary_items(3);
  page.buffers = {Hex("01 02 03 02 00 01"), Raw<uint64_t>({3, 9, 5}), "onetw"};
  auto leaf = page.Read({{0, 1}, {1, 2}, {4, 2}});
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"one", "", "tw", "", "one"}));
  EXPECT_EQ(Bits(leaf->validity, 5), (std::vector<bool>{true, false, true, false, true}));
  // The same as an Arrow dictionary, whose keys count from zero.
  page.type = {.shape = {.bits = 8}, .dictionary = true, .dictionary_type = arrow::utf8()};
  page.buffers[0] = Hex("01 02 00");
  leaf = page.Read({{0, 1}, {2, 1}});
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Bits(leaf->validity, 2), (std::vector<bool>{false, true}));
  EXPECT_EQ(leaf->dictionary->length(), 3);
}

TEST(LeafPageV2_0, DictionariesOfFsstItems) {
  const std::vector<std::string> symbols = {"hello "};
  Page page{.type = {.shape = {.variable = true}}};
  auto* dictionary = page.wire.mutable_dictionary();
  SetFlat(dictionary->mutable_indices(), 8, 0);
  dictionary->set_num_dictionary_items(2);
  auto* fsst = dictionary->mutable_items()->mutable_fsst();
  fsst->set_symbol_table(SymbolTable(symbols));
  auto* binary = fsst->mutable_binary()->mutable_binary();
  SetFlat(binary->mutable_indices(), 64, 1);
  SetFlat(binary->mutable_bytes(), 8, 2);
  page.buffers = {Hex("02 01"), Raw<uint64_t>({1, 4}),
                  FsstEncode(symbols, "hello ") + FsstEncode(symbols, "hello x")};
  auto leaf = page.Read(0, 2);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"hello x", "hello "}));
}

TEST(LeafPageV2_0, DamageSaysWhere) {
  const auto offset_of = [](const Page& page) {
    const auto detail = GetErrorDetail(page.Read(0, 4).status());
    return detail ? detail->where().offset : std::nullopt;
  };
  Page page = GoldenStrings();
  page.buffers.insert(page.buffers.begin(), "unused");
  auto* binary = page.wire.mutable_binary();
  SetFlat(binary->mutable_indices(), 64, 1);
  SetFlat(binary->mutable_bytes(), 8, 2);
  EXPECT_EQ(offset_of(page), std::nullopt);
  page.buffers[1] = Raw<uint64_t>({2, 6, 1, 3});
  EXPECT_EQ(offset_of(page), 6u);
  page.buffers[1] = Raw<uint64_t>({2, 6, 2, 3});
  page.buffers[2] = "ab";
  EXPECT_EQ(offset_of(page), 38u);
  page.buffers[2] = "abcd";  // of which the fourth would be a null's
  EXPECT_EQ(offset_of(page), 6u);
  page.buffers[2] = "not compressed";
  SetFlat(binary->mutable_bytes(), 8, 2)->mutable_compression()->set_scheme("zstd");
  EXPECT_EQ(offset_of(page), 38u);
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
