#include "encoding/page_layout/full_zip.h"

#include <gtest/gtest.h>

#include "encoding/page_layout/test_page.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using lance::encodings21::COMPRESSION_ALGORITHM_ZSTD;
using lance::encodings21::REPDEF_ALL_VALID_ITEM;
using lance::encodings21::REPDEF_NULL_AND_EMPTY_LIST;
using lance::encodings21::REPDEF_NULLABLE_ITEM;

lance::encodings21::FullZipLayout* Layout(TestPage* page, const Wire& values,
                                          const std::vector<RepDefLayer>& layers, uint32_t bits_rep,
                                          uint32_t bits_def) {
  auto* layout = page->wire.mutable_full_zip_layout();
  *layout->mutable_value_compression() = values;
  for (RepDefLayer layer : layers) layout->add_layers(layer);
  layout->set_bits_rep(bits_rep);
  layout->set_bits_def(bits_def);
  return layout;
}

std::string Offsets(const std::vector<uint64_t>& offsets, size_t width) {
  std::string bytes;
  for (uint64_t offset : offsets) bytes += Number(offset).substr(0, width);
  return bytes;
}

TestPage GoldenStrings() {
  // ["aaa…" (300), null, "", "b"] as the reference library writes it.
  TestPage page{.rows = 4, .type = {.shape = {.variable = true}}};
  Layout(&page, VariableWire(32), {REPDEF_NULLABLE_ITEM}, 0, 1)->set_bits_per_offset(32);
  page.buffers = {Hex("00 2c010000") + std::string(300, 'a') + Hex("01 00 00000000 00 01000000 62"),
                  Hex("0000 3101 3201 3701 3d01")};
  return page;
}

TEST(FullZip, DecodesGoldenStrings) {
  const TestPage page = GoldenStrings();
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{std::string(300, 'a'), "", "", "b"}));
  EXPECT_EQ(Bits(leaf->validity, 4), (std::vector<bool>{true, false, true, true}));
  auto scattered = page.Read({{1, 1, 0}, {3, 1, 2}, {3, 1, 1}}, 3, false);
  ASSERT_TRUE(scattered.ok()) << scattered.status();
  EXPECT_EQ(Strings(*scattered), (std::vector<std::string>{"", "b", "b"}));
  EXPECT_EQ(Bits(scattered->validity, 3), (std::vector<bool>{false, true, true}));
}

TEST(FullZip, RowOffsetsOfEveryWidth) {
  for (size_t width : {1, 2, 4, 8}) {
    for (uint32_t length_bits : {32, 64}) {
      TestPage page{.rows = 3, .type = {.shape = {.variable = true}, .wide_offsets = true}};
      Layout(&page, VariableWire(length_bits), {REPDEF_ALL_VALID_ITEM}, 0, 0)
          ->set_bits_per_offset(length_bits);
      std::string data;
      std::vector<uint64_t> starts = {0};
      for (const std::string& text : {std::string("one"), std::string(), std::string("three")}) {
        data += Number(uint64_t{text.size()}).substr(0, length_bits / 8) + text;
        starts.push_back(data.size());
      }
      page.buffers = {data, Offsets(starts, width)};
      auto leaf = page.ReadAll();
      ASSERT_TRUE(leaf.ok()) << leaf.status();
      EXPECT_EQ(Strings(*leaf, /*wide=*/true), (std::vector<std::string>{"one", "", "three"}));
      auto one = page.Read({{2, 1, 0}}, 1);
      ASSERT_TRUE(one.ok()) << one.status();
      EXPECT_EQ(Strings(*one, /*wide=*/true), std::vector<std::string>{"three"});
    }
  }
}

// rows of list<list<…<u16>>>: `depth` list layers, so that the levels need more bits.
TestPage DeepPage(uint32_t depth, uint32_t bits_rep, uint32_t bits_def, size_t control_bytes) {
  std::vector<Layer> layers = {Layer::kItem};
  std::vector<RepDefLayer> wire_layers = {REPDEF_NULLABLE_ITEM};
  for (uint32_t i = 0; i < depth; ++i) {
    layers.push_back(Layer::kList);
    wire_layers.push_back(REPDEF_NULL_AND_EMPTY_LIST);
  }
  TestPage page{.rows = 3, .scheme = LevelScheme(layers), .type = {.shape = {.bits = 16}}};
  Layout(&page, FlatWire(16), wire_layers, bits_rep, bits_def)->set_bits_per_value(16);
  const auto control = [&](uint32_t rep, uint32_t def) {
    return Number(uint64_t{rep << bits_def | def}).substr(0, control_bytes);
  };
  // One value and a null item; a row without lists (the highest level, empty); one value.
  std::string data = control(depth, 0) + "ab" + control(0, 1) + "??";
  std::vector<uint64_t> starts = {0, data.size()};
  data += control(depth, 2 * depth + 1);
  starts.push_back(data.size());
  data += control(depth, 0) + "cd";
  starts.push_back(data.size());
  page.buffers = {data, Offsets(starts, 1)};
  return page;
}

TEST(FullZip, ControlWordsOfEverySize) {
  struct Case {
    uint32_t depth, bits_rep, bits_def;
    size_t control_bytes;
  };
  for (const Case& c : std::vector<Case>{{1, 1, 2, 1},
                                         {3, 2, 3, 1},
                                         {14, 4, 5, 2},
                                         {20, 5, 11, 2},
                                         {20, 8, 9, 4},
                                         {15, 16, 16, 4}}) {
    const TestPage page = DeepPage(c.depth, c.bits_rep, c.bits_def, c.control_bytes);
    auto leaf = page.ReadAll();
    ASSERT_TRUE(leaf.ok()) << c.depth << ": " << leaf.status();
    const auto depth = static_cast<uint16_t>(c.depth);
    EXPECT_EQ(leaf->rep, (std::vector<uint16_t>{depth, 0, depth, depth}));
    EXPECT_EQ(leaf->def, (std::vector<uint16_t>{0, 1, static_cast<uint16_t>(2 * depth + 1), 0}));
    EXPECT_EQ(leaf->slots, 3);
    auto last = page.Read({{2, 1, 0}}, 1);
    ASSERT_TRUE(last.ok()) << last.status();
    EXPECT_EQ(FixedValues<uint16_t>(*last), std::vector<uint16_t>{0x6463});
  }
}

TEST(FullZip, WidensBools) {
  TestPage page{.rows = 10, .type = {.shape = {.bits = 1}}};
  Layout(&page, FlatWire(8), {REPDEF_ALL_VALID_ITEM}, 0, 0)->set_bits_per_value(8);
  page.buffers = {Hex("01 00 01 01 00 00 00 01 01 00")};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Bits(leaf->values, 10),
            (std::vector<bool>{true, false, true, true, false, false, false, true, true, false}));
  auto some = page.Read({{3, 1, 1}, {7, 2, 2}, {9, 1, 0}}, 4, false);
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(Bits(some->values, 4), (std::vector<bool>{false, true, true, true}));
}

TEST(FullZip, RefusesValuesThatAreNoWholeBytes) {
  TestPage page{.rows = 2, .type = {.shape = {.bits = 1}}};
  Layout(&page, FlatWire(1), {REPDEF_ALL_VALID_ITEM}, 0, 0)->set_bits_per_value(8);
  page.buffers = {Hex("01 00")};
  EXPECT_FALSE(page.Make().ok());
}

TEST(FullZip, ListsWithItemValidityOnTwoLevels) {
  // 2 lists of 3 bytes: 1 byte of validity of the lists, 1 of the items, 6 of values.
  TestPage page{.rows = 2, .type = {.shape = {.bits = 48, .list_sizes = {2, 3}}}};
  Layout(&page, FixedSizeListWire(2, true, FixedSizeListWire(3, true, FlatWire(8))),
         {REPDEF_NULLABLE_ITEM}, 0, 1)
      ->set_bits_per_value(64);
  page.buffers = {Hex("00 01 3E") + "abcdef" + Hex("00 02 15") + "ghijkl"};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(leaf->values->data()), 12), "abcdefghijkl");
  EXPECT_EQ(Bits(leaf->item_validity[0], 4), (std::vector<bool>{true, false, false, true}));
  EXPECT_EQ(Bits(leaf->item_validity[1], 12),
            (std::vector<bool>{false, true, true, true, true, true, true, false, true, false, true,
                               false}));
}

TEST(FullZip, ValuesCompressedOneByOne) {
  const Wire zstd = GeneralWire(COMPRESSION_ALGORITHM_ZSTD, VariableWire(32));
  TestPage page{.rows = 2, .type = {.shape = {.variable = true}}};
  Layout(&page, zstd, {REPDEF_NULLABLE_ITEM}, 0, 1)->set_bits_per_offset(32);
  // An empty value is stored as nothing.
  page.buffers = {Hex("00 00000000 01"), Hex("00 05 06")};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"", ""}));
  EXPECT_EQ(leaf->null_count, 1);
}

TEST(FullZip, ScatteredValuesThatHadToBeDecodedAreKept) {
  const std::vector<std::string> symbols = {"abc"};
  TestPage page{.rows = 3, .type = {.shape = {.variable = true}}};
  Layout(&page, FsstWire(SymbolTable(symbols), VariableWire(32)), {REPDEF_ALL_VALID_ITEM}, 0, 0)
      ->set_bits_per_offset(32);
  page.buffers = {Hex("01000000 00 02000000 0000 02000000 FF78"), Hex("00 05 0b 11")};
  auto leaf = page.Read({{0, 1, 2}, {1, 1, 0}, {2, 1, 1}}, 3, false);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"abcabc", "x", "abc"}));
}

TEST(FullZip, DamagedRowOffsetsAreErrors) {
  const TestPage good = GoldenStrings();
  for (const std::string& offsets :
       {Hex("0000 3101 3201 3701"), Hex("0000 3101 3201 3701 3d0100"),
        Hex("0000 3201 3101 3701 3d01"), Hex("0000 3101 3201 3701 3e01"),
        Hex("0100 3101 3201 3701 3d01"), std::string()}) {
    TestPage page = good;
    page.buffers[1] = offsets;
    EXPECT_FALSE(page.ReadAll().ok());
  }
  // Rows that start elsewhere do not matter to reading all of them, only to finding one.
  TestPage page = good;
  page.buffers[1] = Hex("0000 3101 3301 3701 3d01");
  for (uint64_t row : {1, 2}) EXPECT_FALSE(page.Read({{row, 1, 0}}, 1).ok()) << row;
}

TEST(FullZip, RowOffsetsCoverTheData) {
  for (const char* offsets : {"0100 3101 3201 3701 3d01", "0000 3101 3201 3701 3c01"}) {
    TestPage page = GoldenStrings();
    page.buffers[1] = Hex(offsets);
    const auto detail = GetErrorDetail(page.Read({{1, 1, 0}}, 1).status());
    ASSERT_NE(detail, nullptr);
    EXPECT_EQ(detail->where().offset, page.buffers[0].size());
  }
}

TEST(FullZip, ListsOfNullItemsHaveBitmapsAlone) {
  // 3 rows of 2 lists of 3 items: the lists are null, and nothing more is stored of them.
  TestPage page{.rows = 3, .type = {.shape = {.bits = 48, .list_sizes = {2, 3}}}};
  Wire wire = FixedSizeListWire(2, true, Wire());
  wire.mutable_fixed_size_list()->mutable_values()->mutable_constant();
  Layout(&page, wire, {REPDEF_NULLABLE_ITEM}, 0, 1)->set_bits_per_value(8);
  page.buffers = {Hex("00 00  01 00  00 00")};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Bits(leaf->validity, 3), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(Bits(leaf->item_validity[0], 6), std::vector<bool>(6, false));
  EXPECT_EQ(Bits(leaf->item_validity[1], 18), std::vector<bool>(18, false));
  page.buffers = {Hex("00 00  01 00  00 02")};  // an item that is valid, but has no value
  EXPECT_FALSE(page.ReadAll().ok());
  page.type.shape.list_sizes = {3, 2};
  EXPECT_FALSE(page.Make().ok());
  wire.mutable_fixed_size_list()->set_has_validity(false);  // items without a value
  *page.wire.mutable_full_zip_layout()->mutable_value_compression() = wire;
  EXPECT_FALSE(page.Make().ok());
}

TEST(FullZip, PackedRowsAreNoStrings) {
  TestPage page = GoldenStrings();
  Wire packed;
  auto* field = packed.mutable_variable_packed_struct()->add_fields();
  *field->mutable_value() = VariableWire(32);
  field->set_bits_per_length(32);
  *page.wire.mutable_full_zip_layout()->mutable_value_compression() = packed;
  EXPECT_FALSE(page.Make().ok());
}

TEST(FullZip, LevelsThePageDoesNotHaveAreErrors) {
  TestPage page = GoldenStrings();
  page.buffers[0][305] = 2;
  EXPECT_FALSE(page.ReadAll().ok());
  TestPage lists = DeepPage(1, 1, 2, 1);
  lists.buffers[0][0] = 0;  // the first row does not start with a row
  EXPECT_FALSE(lists.ReadAll().ok());
}

TEST(FullZip, TruncatedAndFlippedPagesDoNotCrash) {
  std::mt19937 random(5);
  for (const TestPage& good : {GoldenStrings(), DeepPage(3, 2, 3, 1), DeepPage(20, 8, 9, 4)}) {
    for (size_t buffer = 0; buffer < good.buffers.size(); ++buffer) {
      for (size_t cut = 0; cut < good.buffers[buffer].size(); ++cut) {
        TestPage page = good;
        page.buffers[buffer].resize(cut);
        EXPECT_FALSE(page.ReadAll().ok()) << "buffer " << buffer << " cut at " << cut;
      }
    }
    for (int round = 0; round < 2000; ++round) {
      TestPage page = good;
      std::string& buffer = page.buffers[random() % page.buffers.size()];
      buffer[random() % buffer.size()] ^= static_cast<char>(1 << (random() % 8));
      (void)page.ReadAll();
      (void)page.Read({{1, 1, 0}, {2, 1, 1}}, 2);
    }
  }
}

TEST(FullZip, DescriptorsThatContradictThemselvesAreErrors) {
  const TestPage good = GoldenStrings();
  const auto refused = [&](const auto& change) {
    TestPage page = good;
    change(page.wire.mutable_full_zip_layout(), &page);
    return !page.Make().ok();
  };
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_bits_def(17); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_bits_rep(1); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_bits_per_offset(16); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_bits_per_value(32); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->add_layers(REPDEF_NULLABLE_ITEM); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { *l->mutable_value_compression() = FlatWire(32); }));
  EXPECT_TRUE(refused([](auto*, auto* page) { page->buffers.pop_back(); }));
  EXPECT_TRUE(refused([](auto*, auto* page) { page->rows = ~uint64_t{0}; }));
}

}  // namespace
}  // namespace pilum::encoding
