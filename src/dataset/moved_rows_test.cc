#include "dataset/moved_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataset/row_ids_write.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using Numbers = std::vector<uint64_t>;

std::string WriteIds(const Numbers& ids) {
  RowIdsWriter writer;
  for (const uint64_t id : ids) writer.Append(id, 1);
  return writer.Finish();
}

std::string WriteVersions(const Numbers& versions) {
  RowVersionsWriter writer;
  for (const uint64_t version : versions) writer.Append(version, 1);
  return writer.Finish();
}

Numbers ReadIds(const Fragment& fragment) {
  auto ids = RowIds::Parse(fragment.inline_row_ids, fragment.physical_rows).ValueOrDie();
  Numbers all;
  for (uint64_t row = 0; row < ids->size(); ++row) all.push_back(ids->at(row));
  return all;
}

/// A fragment of the rows with these ids; the row with id n is of version n / 100.
Fragment MakeFragment(const Numbers& ids) {
  Numbers versions = ids;
  for (uint64_t& version : versions) version /= 100;
  Fragment fragment{.physical_rows = ids.size()};
  fragment.inline_row_ids = WriteIds(ids);
  fragment.created_at_versions = fragment.last_updated_at_versions = WriteVersions(versions);
  return fragment;
}

arrow::Status Add(const Fragment& fragment, const std::vector<uint32_t>& offsets,
                  MovedRows* moved) {
  auto ids = RowIds::Parse(fragment.inline_row_ids, fragment.physical_rows).ValueOrDie();
  return moved->Add(fragment, *ids, offsets);
}

TEST(RowIdsWriter, WritesEveryOrderOfIds) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 300; ++round) {
    Numbers ids;
    const uint64_t spread = uint64_t{1} << (random() % 60);
    while (ids.size() < 200) {
      const uint64_t first = random() % spread, count = 1 + random() % 20;
      for (uint64_t i = 0; i < count; ++i) ids.push_back(first + i);
    }
    if (round % 2 == 0) std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    ASSERT_EQ(ReadIds({.physical_rows = ids.size(), .inline_row_ids = WriteIds(ids)}), ids);
  }
}

TEST(MovedRows, KeepTheirIdsAndVersionsAcrossFragments) {
  MovedRows moved;
  ASSERT_TRUE(Add(MakeFragment({1, 2, 3, 100, 101, 700}), {0, 2, 3, 4}, &moved).ok());
  ASSERT_TRUE(Add(MakeFragment({50, 51, 650, 300}), {0, 2, 3}, &moved).ok());
  std::vector<Fragment> fragments = {{.physical_rows = 5}, {.physical_rows = 2}};
  moved.Name(&fragments);
  EXPECT_EQ(ReadIds(fragments[0]), (Numbers{1, 3, 100, 101, 50}));
  EXPECT_EQ(ReadIds(fragments[1]), (Numbers{650, 300}));
  EXPECT_EQ(fragments[0].created_at_versions, WriteVersions({0, 0, 1, 1, 0}));
  EXPECT_EQ(fragments[1].last_updated_at_versions, WriteVersions({6, 3}));
}

TEST(MovedRows, RowsWithoutVersionsAreOfTheFirst) {
  Fragment fragment = MakeFragment({5, 6});
  fragment.created_at_versions.clear();
  MovedRows moved;
  ASSERT_TRUE(Add(fragment, {1}, &moved).ok());
  std::vector<Fragment> fragments = {{.physical_rows = 1}};
  moved.Name(&fragments);
  EXPECT_EQ(fragments[0].created_at_versions, WriteVersions({1}));
}

TEST(MovedRows, VersionsOfOtherRowsAreCorrupt) {
  for (const Numbers& versions : {Numbers{1}, Numbers{1, 2, 3}}) {
    Fragment fragment = MakeFragment({5, 6});
    fragment.last_updated_at_versions = WriteVersions(versions);
    MovedRows moved;
    EXPECT_EQ(GetErrorKind(Add(fragment, {0}, &moved)), ErrorKind::kCorruptData);
  }
}

}  // namespace
}  // namespace pilum::dataset
