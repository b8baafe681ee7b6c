#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "encoding/page_layout/test_page.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using enum lance::encodings21::RepDefLayer;
using testing::ElementsAre;
using testing::HasSubstr;

struct Descriptor {
  uint64_t position, size;
  bool operator==(const Descriptor&) const = default;
};

/// A page of descriptors in one chunk.
TestPage BlobPage(const std::vector<Descriptor>& descriptors, std::vector<RepDefLayer> layers) {
  TestPage page{.rows = descriptors.size(), .type = {.shape = {.bits = 128, .fields = {64, 64}}}};
  auto* blob = page.wire.mutable_blob_layout();
  for (RepDefLayer layer : layers) blob->add_layers(layer);
  page.scheme = LevelScheme(std::vector<Layer>(layers.size(), Layer::kItem));
  auto* mini = blob->mutable_inner_layout()->mutable_mini_block_layout();
  mini->add_layers(REPDEF_ALL_VALID_ITEM);
  auto* rows = mini->mutable_value_compression()->mutable_packed_struct();
  rows->add_bits_per_value(64);
  rows->add_bits_per_value(64);
  rows->mutable_values()->mutable_flat()->set_bits_per_value(128);
  mini->set_num_items(descriptors.size());
  mini->set_num_buffers(1);
  page.buffers = EncodeChunks({{.values = {Raw(descriptors)}}}, false, false, false);
  return page;
}

std::vector<Descriptor> Descriptors(const LeafData& leaf) { return FixedValues<Descriptor>(leaf); }

TEST(BlobPage, NullsAreInTheDescriptors) {
  const auto page = BlobPage({{64, 5}, {65536, 0}, {0, 0}, {128, 1}}, {REPDEF_NULLABLE_ITEM});
  const LeafData all = page.ReadAll().ValueOrDie();
  EXPECT_THAT(Bits(all.validity, 4), ElementsAre(true, false, true, true));
  EXPECT_EQ(all.null_count, 1);
  EXPECT_EQ(Descriptors(all)[3], (Descriptor{128, 1}));
  const LeafData some = page.Read({{1, 1, 1}, {3, 1, 0}}, 2, /*in_order=*/false).ValueOrDie();
  EXPECT_THAT(Bits(some.validity, 2), ElementsAre(true, false));
  EXPECT_EQ(Descriptors(some)[0], (Descriptor{128, 1}));
}

TEST(BlobPage, LevelsOfTheStructsAroundAreInTheDescriptors) {
  const auto page = BlobPage({{64, 5}, {1 << 16, 0}, {2 << 16, 0}, {0, 0}},
                             {REPDEF_NULLABLE_ITEM, REPDEF_NULLABLE_ITEM});
  const LeafData all = page.ReadAll().ValueOrDie();
  EXPECT_THAT(all.def, ElementsAre(0, 1, 2, 0));
  EXPECT_EQ(all.slots, 4);
  const LeafData some = page.Read({{1, 2, 0}}, 2).ValueOrDie();
  EXPECT_THAT(some.def, ElementsAre(1, 2));
}

TEST(BlobPage, LevelsOfAPageAreItsOwn) {
  const auto page = BlobPage({{1 << 16, 0}}, {REPDEF_ALL_VALID_ITEM, REPDEF_NULLABLE_ITEM});
  EXPECT_THAT(page.ReadAll().ValueOrDie().def, ElementsAre(2));  // the struct is null, not the blob
}

TEST(BlobPage, LevelsThatThePageDoesNotHave) {
  for (uint64_t position :
       {uint64_t{1}, uint64_t{2} << 16, (uint64_t{1} << 16) + 1, ~uint64_t{0}}) {
    const auto read = BlobPage({{position, 0}}, {REPDEF_NULLABLE_ITEM}).ReadAll();
    EXPECT_THAT(read.status().message(), HasSubstr(std::to_string(position)));
  }
}

TEST(BlobPage, ListsAreRefused) {
  auto page = BlobPage({{64, 5}}, {REPDEF_NULLABLE_ITEM});
  page.scheme = LevelScheme({Layer::kItem, Layer::kList});
  EXPECT_EQ(GetErrorKind(page.Make().status()), ErrorKind::kUnsupported);
}

TEST(BlobPage, NeedsAnInnerLayout) {
  TestPage page{.rows = 1, .type = {.shape = {.bits = 128, .fields = {64, 64}}}};
  page.wire.mutable_blob_layout();
  EXPECT_FALSE(page.Make().ok());
  page.wire.mutable_blob_layout()->mutable_inner_layout()->mutable_blob_layout();
  EXPECT_FALSE(page.Make().ok());
  page.wire.Clear();
  EXPECT_FALSE(page.Make().ok());
}

TEST(BlobPage, OnlyInColumnsOfDescriptors) {
  auto page = BlobPage({{64, 5}}, {REPDEF_NULLABLE_ITEM});
  page.type = {.shape = {.variable = true}};
  EXPECT_FALSE(page.Make().ok());
}

}  // namespace
}  // namespace pilum::encoding
