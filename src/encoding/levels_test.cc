#include "encoding/levels.h"

#include <gtest/gtest.h>

namespace pilum::encoding {
namespace {

using namespace lance::encodings21;  // NOLINT: the names of the layers

google::protobuf::RepeatedField<int> Layers(const std::vector<int>& layers) {
  return {layers.begin(), layers.end()};
}

TEST(LevelScheme, NumbersLayersFromTheInnermost) {
  const LevelScheme scheme({Layer::kItem, Layer::kList, Layer::kItem, Layer::kList});
  EXPECT_EQ(scheme.num_lists(), 2);
  EXPECT_EQ(scheme.max_visible(), 1);
  EXPECT_EQ(scheme.null_level(0), 1);
  EXPECT_EQ(scheme.null_level(1), 2);
  EXPECT_EQ(scheme.max_level(1), 3);
  EXPECT_EQ(scheme.null_level(2), 4);
  EXPECT_EQ(scheme.null_level(3), 5);
  EXPECT_EQ(scheme.max_level(3), 6);
  EXPECT_FALSE(scheme.flat());
}

TEST(LevelScheme, EverythingIsVisibleWithoutLists) {
  const LevelScheme scheme({Layer::kItem, Layer::kItem, Layer::kItem});
  EXPECT_EQ(scheme.num_lists(), 0);
  EXPECT_EQ(scheme.max_visible(), 3);
  EXPECT_TRUE(LevelScheme().flat());
}

TEST(PageLevels, MapsThePagesNumbersToTheColumns) {
  const LevelScheme scheme({Layer::kItem, Layer::kItem, Layer::kList, Layer::kList});
  auto levels = MapPageLevels(scheme, Layers({REPDEF_ALL_VALID_ITEM, REPDEF_NULLABLE_ITEM,
                                              REPDEF_EMPTYABLE_LIST, REPDEF_NULL_AND_EMPTY_LIST}));
  ASSERT_TRUE(levels.ok()) << levels.status();
  // Level 1 of the page is a null struct, 2 an empty inner list, 3 and 4 a null and an empty outer
  // list.
  EXPECT_EQ(levels->to_scheme, (std::vector<uint16_t>{0, 2, 4, 5, 6}));
  EXPECT_EQ(levels->max_visible, 1);
  levels = MapPageLevels(scheme, Layers({REPDEF_ALL_VALID_ITEM, REPDEF_ALL_VALID_ITEM,
                                         REPDEF_ALL_VALID_LIST, REPDEF_NULLABLE_LIST}));
  ASSERT_TRUE(levels.ok()) << levels.status();
  EXPECT_EQ(levels->to_scheme, (std::vector<uint16_t>{0, 5}));
  EXPECT_EQ(levels->max_visible, 0);
}

TEST(PageLevels, LayersThatDoNotFitTheColumnAreErrors) {
  const LevelScheme scheme({Layer::kItem, Layer::kList});
  for (const std::vector<int>& layers : std::vector<std::vector<int>>{
           {},
           {REPDEF_NULLABLE_ITEM},
           {REPDEF_NULLABLE_ITEM, REPDEF_NULLABLE_ITEM},
           {REPDEF_NULLABLE_LIST, REPDEF_NULLABLE_ITEM},
           {REPDEF_UNSPECIFIED, REPDEF_NULLABLE_LIST},
           {REPDEF_NULLABLE_ITEM, 99},
           {REPDEF_NULLABLE_ITEM, REPDEF_NULLABLE_LIST, REPDEF_NULLABLE_ITEM}}) {
    EXPECT_FALSE(MapPageLevels(scheme, Layers(layers)).ok());
  }
}

}  // namespace
}  // namespace pilum::encoding
