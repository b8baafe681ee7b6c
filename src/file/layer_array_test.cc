#include "file/layer_array.h"

#include <gtest/gtest.h>

#include <arrow/json/from_string.h>
#include <arrow/type.h>

#include <random>

#include "file/fuzz.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using encoding::Layer;

arrow::MemoryPool* Pool() { return arrow::system_memory_pool(); }

std::vector<bool> Valid(const LayerArrays& arrays) {
  std::vector<bool> valid;
  for (int64_t i = 0; i < arrays.slots; ++i) {
    valid.push_back(!arrays.validity || ((arrays.validity->data()[i / 8] >> (i % 8)) & 1) != 0);
  }
  return valid;
}

/// Column a of the worked example of list<struct<a: list<float>, b: bool>>.
encoding::LeafData ExampleLevels() {
  return {.slots = 5,
          .rep = {2, 1, 1, 1, 1, 2, 1, 0, 2, 2, 1, 0, 1},
          .def = {2, 3, 4, 2, 4, 2, 0, 0, 5, 0, 0, 0, 4}};
}

TEST(ReadLayer, TakesTheExampleApart) {
  const encoding::LevelScheme scheme({Layer::kItem, Layer::kList, Layer::kItem, Layer::kList});
  const auto leaf = ExampleLevels();
  auto floats = ReadLayer(scheme, 0, leaf, 1, Pool());
  ASSERT_TRUE(floats.ok());
  EXPECT_EQ(floats->slots, 5);
  EXPECT_EQ(floats->null_count, 0);
  auto a = ReadLayer(scheme, 1, leaf, 1, Pool());
  EXPECT_EQ(a->offsets, (std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 2, 3, 5, 5}));
  EXPECT_EQ(Valid(*a),
            (std::vector<bool>{false, true, false, false, false, false, true, true, true, false}));
  auto structs = ReadLayer(scheme, 2, leaf, 1, Pool());
  EXPECT_EQ(Valid(*structs),
            (std::vector<bool>{true, true, false, true, false, true, true, true, true, false}));
  auto rows = ReadLayer(scheme, 3, leaf, 1, Pool());
  EXPECT_EQ(rows->offsets, (std::vector<int64_t>{0, 5, 7, 7, 10}));
  EXPECT_EQ(Valid(*rows), (std::vector<bool>{true, true, false, true}));
}

TEST(ReadLayer, StridesOverRepeatedLevels) {
  // A null and a valid fixed-size list of 2 structs: the level is there for each item.
  const encoding::LevelScheme scheme({Layer::kItem, Layer::kItem, Layer::kItem});
  const encoding::LeafData leaf{.slots = 4, .def = {3, 3, 0, 1}};
  auto lists = ReadLayer(scheme, 2, leaf, 2, Pool());
  EXPECT_EQ(Valid(*lists), (std::vector<bool>{false, true}));
  EXPECT_EQ(Valid(*ReadLayer(scheme, 0, leaf, 1, Pool())),
            (std::vector<bool>{false, false, true, false}));
}

TEST(ReadLayer, NoEntriesAreNoSlots) {
  const encoding::LevelScheme scheme({Layer::kItem, Layer::kList});
  auto lists = ReadLayer(scheme, 1, {}, 1, Pool());
  ASSERT_TRUE(lists.ok());
  EXPECT_EQ(lists->slots, 0);
  EXPECT_EQ(lists->offsets, std::vector<int64_t>{0});
}

TEST(ReadLayer, LayersOfAnyLevelsFitTogether) {
  std::mt19937 random(11);
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> bytes(4 + random() % 200);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 8);
    FuzzLevels(bytes);  // ends the program if they do not
  }
}

TEST(MakeListArray, ItemsMustBeAsManyAsTheListsSay) {
  auto items = arrow::json::ArrayFromJSONString(arrow::int8(), "[1, 2, 3]").ValueOrDie();
  LayerArrays lists{.slots = 2, .offsets = {0, 1, 4}};
  auto array = MakeListArray(arrow::list(arrow::int8()), lists, items->data(), Pool());
  EXPECT_EQ(GetErrorKind(array.status()), ErrorKind::kCorruptData);
  lists.offsets = {0, 1, 3};
  for (const auto& type : {arrow::list(arrow::int8()), arrow::large_list(arrow::int8())}) {
    array = MakeListArray(type, lists, items->data(), Pool());
    ASSERT_TRUE(array.ok()) << array.status();
    EXPECT_TRUE(arrow::MakeArray(*array)->Equals(
        arrow::json::ArrayFromJSONString(type, "[[1], [2, 3]]").ValueOrDie()));
  }
}

}  // namespace
}  // namespace pilum::file
