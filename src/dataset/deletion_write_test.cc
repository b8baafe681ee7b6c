#include "dataset/deletion_write.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "dataset/deletion_file.h"
#include "dataset/roaring_reader.h"
#include "dataset/test_commit.h"

namespace pilum::dataset {
namespace {

std::vector<uint32_t> RandomOffsets(size_t count, uint32_t most) {
  std::mt19937 random(static_cast<unsigned>(count));
  std::set<uint32_t> offsets;
  while (offsets.size() < count) offsets.insert(random() % most);
  return {offsets.begin(), offsets.end()};
}

TEST(DeletionWrite, FileIsReadBack) {
  auto store = MakeMemoryStore();
  for (size_t count : {1, 5000, 5001, 70'000}) {
    Fragment fragment = NewFragment("x.lance", 200'000);
    fragment.id = 42;
    const auto offsets = RandomOffsets(count, 200'000);
    fragment.deletion_file = WriteDeletionFile(*store, 42, 7, offsets).ValueOrDie();
    EXPECT_EQ(fragment.deletion_file->type == DeletionFile::Type::kArrowArray, count <= 5000);
    EXPECT_EQ(fragment.deletion_file->num_deleted_rows, count);
    EXPECT_EQ(DeletedOf(*store, fragment), offsets);
  }
  EXPECT_EQ(store->List("_deletions").ValueOrDie().size(), 4u);
}

TEST(DeletionWrite, RoaringHoldsRunsArraysAndBitmaps) {
  std::vector<uint32_t> values;
  for (uint32_t i = 0; i < 70'000; ++i) values.push_back(i);                // runs
  for (uint32_t i = 0; i < 100; ++i) values.push_back(200'000 + i * 7);     // an array
  for (uint32_t i = 0; i < 20'000; ++i) values.push_back(400'000 + i * 3);  // a bitmap
  values.push_back(std::numeric_limits<uint32_t>::max());
  std::string bytes = EncodeRoaring(values);
  EXPECT_LT(bytes.size(), 10'000u + 8192);
  EXPECT_EQ(ReadRoaring(AsBytes(bytes), values.size()).ValueOrDie(), values);
  EXPECT_EQ(ReadRoaring(AsBytes(EncodeRoaring({})), 0).ValueOrDie().size(), 0u);
}

TEST(DeletionWrite, StoreThatFailsIsReported) {
  auto store = MakeMemoryStore();
  const std::vector<uint32_t> offsets = {1};
  auto sub = SubStore(store, "..");
  EXPECT_FALSE(WriteDeletionFile(*sub, 0, 1, offsets).ok());
}

}  // namespace
}  // namespace pilum::dataset
