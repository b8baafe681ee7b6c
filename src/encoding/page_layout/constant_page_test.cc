#include "encoding/page_layout/constant_page.h"

#include <gtest/gtest.h>

#include "encoding/page_layout/test_page.h"

namespace pilum::encoding {
namespace {

using lance::encodings21::REPDEF_ALL_VALID_ITEM;
using lance::encodings21::REPDEF_NULL_AND_EMPTY_LIST;
using lance::encodings21::REPDEF_NULLABLE_ITEM;

lance::encodings21::ConstantLayout* Layout(TestPage* page, const std::vector<RepDefLayer>& layers) {
  auto* layout = page->wire.mutable_constant_layout();
  for (RepDefLayer layer : layers) layout->add_layers(layer);
  return layout;
}

TEST(ConstantPage, DecodesGoldenStrings) {
  // ["hey", "hey", null, "hey"] as the reference library writes it.
  TestPage page{.rows = 4, .type = {.shape = {.variable = true}}};
  Layout(&page, {REPDEF_NULLABLE_ITEM});
  page.buffers = {Hex("02000000 08000000 03000000 00000000 03000000 686579"), "",
                  Hex("0000 0000 0100 0000")};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"hey", "hey", "", "hey"}));
  EXPECT_EQ(Bits(leaf->validity, 4), (std::vector<bool>{true, true, false, true}));
  auto scattered = page.Read({{1, 1, 1}, {2, 1, 0}}, 2, false);
  ASSERT_TRUE(scattered.ok()) << scattered.status();
  EXPECT_EQ(Strings(*scattered), (std::vector<std::string>{"", "hey"}));
}

TEST(ConstantPage, AllNullWithoutBuffers) {
  for (uint64_t bits : {0, 1, 64}) {
    TestPage page{.rows = 9, .type = {.shape = {.bits = bits}}};
    Layout(&page, {REPDEF_NULLABLE_ITEM});
    auto leaf = page.ReadAll();
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(leaf->null_count, 9);
  }
}

TEST(ConstantPage, AllNullWithoutBuffersUnderStructs) {
  // Null at the innermost layer that can be: the leaf, or the struct around a leaf that cannot.
  TestPage page{.rows = 3,
                .scheme = LevelScheme({Layer::kItem, Layer::kItem}),
                .type = {.shape = {.bits = 32}}};
  Layout(&page, {REPDEF_NULLABLE_ITEM, REPDEF_NULLABLE_ITEM});
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{1, 1, 1}));
  EXPECT_EQ(leaf->slots, 3);
  page.wire.Clear();
  Layout(&page, {REPDEF_ALL_VALID_ITEM, REPDEF_NULLABLE_ITEM});
  leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{2, 2, 2}));
}

TEST(ConstantPage, OnlyRowsWantedAreMadeOfAPageThatClaimsMany) {
  TestPage page{.rows = uint64_t{1} << 31,
                .scheme = LevelScheme({Layer::kItem, Layer::kItem}),
                .type = {.shape = {.bits = 32}}};
  Layout(&page, {REPDEF_NULLABLE_ITEM, REPDEF_NULLABLE_ITEM});
  auto leaf = page.Read({{7, 2, 0}, {uint64_t{1} << 30, 1, 2}}, 3);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{1, 1, 1}));
}

TEST(ConstantPage, ValuesInTheDescriptor) {
  TestPage page{.rows = 3, .type = {.shape = {.bits = 32}}};
  Layout(&page, {REPDEF_ALL_VALID_ITEM})->set_inline_value(Number(uint32_t{77}));
  EXPECT_EQ(FixedValues<uint32_t>(*page.ReadAll()), (std::vector<uint32_t>{77, 77, 77}));
  page.wire.mutable_constant_layout()->set_inline_value("abc");
  EXPECT_FALSE(page.ReadAll().ok());
}

TEST(ConstantPage, Bools) {
  for (char value : {'\0', '\1'}) {
    TestPage page{.rows = 11, .type = {.shape = {.bits = 1}}};
    Layout(&page, {REPDEF_ALL_VALID_ITEM})->set_inline_value(std::string(1, value));
    EXPECT_EQ(Bits(page.ReadAll()->values, 11), std::vector<bool>(11, value != 0));
  }
}

TEST(ConstantPage, WideValuesInABuffer) {
  TestPage page{.rows = 2, .type = {.shape = {.bits = 512}}};
  Layout(&page, {REPDEF_ALL_VALID_ITEM});
  const std::string value(64, 'w');
  page.buffers = {Number(uint32_t{1}) + Number(uint32_t{64}) + value};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(leaf->values->data()), 128), value + value);
}

TestPage ListsWithoutValues() {
  // [null, [], [null, null]]
  TestPage page{.rows = 3,
                .scheme = LevelScheme({Layer::kItem, Layer::kList}),
                .type = {.shape = {.bits = 32}}};
  Layout(&page, {REPDEF_NULLABLE_ITEM, REPDEF_NULL_AND_EMPTY_LIST});
  page.buffers = {Raw<uint16_t>({1, 1, 1, 0}), Raw<uint16_t>({2, 3, 1, 1})};
  return page;
}

TEST(ConstantPage, ListsWithoutValues) {
  const TestPage page = ListsWithoutValues();
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->rep, (std::vector<uint16_t>{1, 1, 1, 0}));
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{2, 3, 1, 1}));
  EXPECT_EQ(leaf->slots, 2);
  auto last = page.Read({{2, 1, 0}}, 1);
  ASSERT_TRUE(last.ok()) << last.status();
  EXPECT_EQ(last->def, (std::vector<uint16_t>{1, 1}));
}

TEST(ConstantPage, EncodedLevels) {
  TestPage page = ListsWithoutValues();
  auto* layout = page.wire.mutable_constant_layout();
  *layout->mutable_rep_compression() = RleWire(16);
  layout->set_num_rep_values(4);
  *layout->mutable_def_compression() = OutOfLineBitpackingWire(16, 2);
  layout->set_num_def_values(4);
  page.buffers = {Number(uint64_t{4}) + Raw<uint16_t>({1, 0}) + "\3\1",
                  PackBlock<uint16_t>({2, 3, 1, 1}, 2)};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->rep, (std::vector<uint16_t>{1, 1, 1, 0}));
  EXPECT_EQ(leaf->def, (std::vector<uint16_t>{2, 3, 1, 1}));
}

TEST(ConstantPage, DamagedCountsOfLevelsAreNotAllocated) {
  TestPage page = ListsWithoutValues();
  auto* layout = page.wire.mutable_constant_layout();
  for (uint64_t count : {uint64_t{0xFFFFFFFF}, ~uint64_t{0}}) {
    *layout->mutable_def_compression() = OutOfLineBitpackingWire(16, 0);
    layout->set_num_def_values(count);
    EXPECT_FALSE(page.ReadAll().ok()) << count;
  }
}

TEST(ConstantPage, LevelsMustMatchTheRows) {
  const TestPage good = ListsWithoutValues();
  const auto fails = [&](const std::vector<uint16_t>& rep, const std::vector<uint16_t>& def) {
    TestPage page = good;
    page.buffers = {Raw(rep), Raw(def)};
    return !page.ReadAll().ok();
  };
  EXPECT_TRUE(fails({1, 1, 1}, {2, 3, 1, 1}));
  EXPECT_TRUE(fails({1, 1, 0, 0}, {2, 3, 1, 1}));
  EXPECT_TRUE(fails({0, 1, 1, 1}, {2, 3, 1, 1}));
  EXPECT_TRUE(fails({1, 1, 1, 2}, {2, 3, 1, 1}));
  EXPECT_TRUE(fails({1, 1, 1, 0}, {2, 3, 1, 4}));
  EXPECT_TRUE(fails({}, {2, 3, 1}));
  EXPECT_TRUE(fails({1, 1, 1, 0}, {2, 3, 0, 1}));  // an item that is valid, but has no value
}

TEST(ConstantPage, WithoutAValueSomethingMustBeNull) {
  TestPage page{.rows = 2, .type = {.shape = {.bits = 32}}};
  Layout(&page, {REPDEF_ALL_VALID_ITEM});
  EXPECT_FALSE(page.Make().ok());
}

TEST(ConstantPage, ValuesHaveTheirTypesSize) {
  for (size_t size : {0, 3, 4, 5}) {
    TestPage page{.rows = 2, .type = {.shape = {.bits = 32}}};
    Layout(&page, {REPDEF_ALL_VALID_ITEM})->set_inline_value(std::string(size, 'x'));
    EXPECT_EQ(page.ReadAll().ok(), size == 4) << size;
  }
}

TEST(ConstantPage, DamagedScalarsAreErrors) {
  for (const std::string& scalar :
       {std::string(), Hex("00000000"), Hex("05000000 00000000"), Hex("01000000 01000000 61"),
        Hex("02000000 08000000 ffffffff 00000000 03000000 686579"),
        Hex("02000000 08000000 03000000 00000000 02000000 686579"),
        Hex("02000000 08000000 03000000 01000000 03000000 686579"),
        Hex("02000000 04000000 03000000 00000000 686579")}) {
    TestPage page{.rows = 1, .type = {.shape = {.variable = true}}};
    Layout(&page, {REPDEF_ALL_VALID_ITEM});
    page.buffers = {scalar};
    EXPECT_FALSE(page.ReadAll().ok());
  }
}

TEST(ConstantPage, DescriptorsThatContradictThemselvesAreErrors) {
  TestPage page = ListsWithoutValues();
  page.buffers = {"", "", "", ""};
  EXPECT_FALSE(page.Make().ok());
  page.buffers.clear();
  EXPECT_FALSE(page.Make().ok());  // lists need levels
  TestPage twice{.rows = 1, .type = {.shape = {.bits = 32}}};
  Layout(&twice, {REPDEF_ALL_VALID_ITEM})->set_inline_value(Number(uint32_t{7}));
  twice.buffers = {Number(uint32_t{1}) + Number(uint32_t{4}) + "abcd"};
  EXPECT_FALSE(twice.Make().ok());
}

}  // namespace
}  // namespace pilum::encoding
