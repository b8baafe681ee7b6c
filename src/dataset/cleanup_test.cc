#include "dataset/cleanup.h"

#include <gtest/gtest.h>

#include "dataset/manifest_file.h"
#include "dataset/test_commit.h"
#include "io/fault_store.h"

namespace pilum::dataset {
namespace {

constexpr CleanupOptions kAllVersions{.older_than = std::chrono::seconds(0)};
constexpr CleanupOptions kAll{.older_than = std::chrono::seconds(0),
                              .unreferenced_older_than = std::chrono::seconds(0)};

class CleanupTest : public ::testing::Test {
 protected:
  // Version 1: x.lance; 2: with y.lance; 3: a row of x deleted; 4: without y.
  void SetUp() override {
    auto first = CreateTable(*store_);
    ASSERT_TRUE(CommitTo(*store_, 1, Append{{NewFragment("y.lance", 10)}}).ok());
    auto third = CommitTo(*store_, 2, DeleteRows(*store_, *first, 0, {1}));
    ASSERT_TRUE(third.ok());
    ASSERT_TRUE(CommitTo(*store_, 3, Delete{.updated = {}, .removed = {1}, .predicate = ""}).ok());
    for (const char* path : {"data/x.lance", "data/y.lance", "data/y/1.blob", "data/x/1.blob",
                             "data/orphan.lance", "data/notes.txt", "_versions/.pilum-1.tmp",
                             "_refs/tags/.pilum-2.tmp", "_deletions/7-1-1.bin"}) {
      PutText(*store_, path, "some bytes");
    }
  }
  CleanupStats Clean(const CleanupOptions& options) {
    auto stats = Cleanup(*store_, *store_, "", options);
    EXPECT_TRUE(stats.ok()) << stats.status().ToString();
    return *stats;
  }
  bool Exists(const std::string& path) { return store_->Open(path).ok(); }
  std::vector<uint64_t> Versions() {
    std::vector<uint64_t> versions;
    for (const auto& version : ListVersions(*store_).ValueOrDie()) {
      versions.push_back(version.version);
    }
    return versions;
  }

  std::shared_ptr<io::FaultStore> store_ = std::make_shared<io::FaultStore>(MakeMemoryStore());
};

using Numbers = std::vector<uint64_t>;

TEST_F(CleanupTest, YoungVersionsAndFilesStay) {
  CleanupStats stats = Clean({});
  EXPECT_EQ(stats.versions + stats.files + stats.bytes, 0u);
  EXPECT_EQ(Versions(), (Numbers{1, 2, 3, 4}));
}

TEST_F(CleanupTest, OldVersionsGoWithTheFilesThatOnlyTheyNeed) {
  CleanupStats stats = Clean(kAllVersions);
  EXPECT_EQ(stats.versions, 3u);
  EXPECT_EQ(stats.files, 2u + 3u);  // y, its blob, and three transactions
  EXPECT_EQ(Versions(), Numbers{4});
  EXPECT_TRUE(Exists("data/x.lance"));
  EXPECT_TRUE(Exists("data/x/1.blob"));
  EXPECT_FALSE(Exists("data/y.lance"));
  EXPECT_FALSE(Exists("data/y/1.blob"));
  EXPECT_TRUE(Exists("data/orphan.lance"));  // may belong to a write under way
  auto latest = ReadManifest(*store_, {}).ValueOrDie();
  EXPECT_EQ(DeletedOf(*store_, latest->fragments[0]), std::vector<uint32_t>{1});
  EXPECT_TRUE(CommitTo(*store_, 4, Append{{NewFragment("z.lance", 1)}}).ok());
}

TEST_F(CleanupTest, UnreferencedFilesGoWhenTold) {
  Clean(kAll);
  EXPECT_FALSE(Exists("data/orphan.lance"));
  EXPECT_FALSE(Exists("_deletions/7-1-1.bin"));
  EXPECT_FALSE(Exists("_versions/.pilum-1.tmp"));
  EXPECT_FALSE(Exists("_refs/tags/.pilum-2.tmp"));
  EXPECT_TRUE(Exists("data/notes.txt"));  // no file of a table
  EXPECT_TRUE(Exists("data/x.lance"));
}

TEST_F(CleanupTest, TaggedVersionsStay) {
  auto versions = ListVersions(*store_).ValueOrDie();
  ASSERT_TRUE(CreateTag(*store_, "t", "", DescribeVersion(*store_, versions[1]).ValueOrDie()).ok());
  ASSERT_TRUE(
      CreateTag(*store_, "elsewhere", "b", DescribeVersion(*store_, versions[0]).ValueOrDie())
          .ok());
  Clean(kAll);
  EXPECT_EQ(Versions(), (Numbers{2, 4}));
  EXPECT_TRUE(Exists("data/y.lance"));
  EXPECT_TRUE(Exists("data/y/1.blob"));
}

TEST_F(CleanupTest, VersionsThatBranchesBeganWithStay) {
  PutText(*store_, "_refs/branches/b.json", R"({"parentBranch": null, "parentVersion": 2})");
  PutText(*store_, "_refs/branches/c.json", R"({"parentBranch": "b", "parentVersion": 1})");
  Clean(kAll);
  EXPECT_EQ(Versions(), (Numbers{2, 4}));
}

TEST_F(CleanupTest, IndicesGoWithTheLastVersionThatHasThem) {
  const std::string old_index = "_indices/00010203-0405-0607-0809-0a0b0c0d0e0f/page_data.lance";
  PutText(*store_, old_index, "some bytes");
  auto versions = ListVersions(*store_).ValueOrDie();
  auto object = store_->Open(versions[3].path).ValueOrDie();
  std::string text(object->size(), 0);
  ASSERT_TRUE(object->ReadAt(0, std::as_writable_bytes(std::span(text))).ok());
  auto file = ParseManifestFile(AsBytes(text)).ValueOrDie();
  lance::table::IndexSection section;
  section.add_indices()->mutable_uuid()->set_uuid(FromHex("000102030405060708090a0b0c0d0e0f"));
  file.index_section = section.SerializeAsString();
  PutText(*store_, versions[3].path, SerializeManifestFile(&file));
  Clean(kAll);
  EXPECT_TRUE(Exists(old_index));
  ASSERT_TRUE(CommitTo(*store_, 4, Overwrite{.schema = TestSchema()}).ok());
  Clean(kAllVersions);
  EXPECT_FALSE(Exists(old_index));
}

TEST_F(CleanupTest, ManifestThatCannotBeReadStopsIt) {
  PutText(*store_, ManifestPath(2, ""), "damaged");
  EXPECT_FALSE(Cleanup(*store_, *store_, "", kAll).ok());
  EXPECT_EQ(Versions().size(), 4u);
  EXPECT_TRUE(Exists("data/orphan.lance"));
}

TEST_F(CleanupTest, DeathLeavesWholeVersions) {
  for (int skip = 0; skip < 12; ++skip) {
    store_->Fail(io::FaultStore::Call::kDelete, ErrorKind::kUnavailable,
                 {.skip = skip, .times = 1});
    (void)Cleanup(*store_, *store_, "", kAll);
    store_->Clear();
    for (const auto& version : ListVersions(*store_).ValueOrDie()) {
      auto manifest = ReadListed(*store_, version).ValueOrDie();
      for (const Fragment& fragment : manifest->fragments) {
        EXPECT_TRUE(Exists("data/" + fragment.files[0].path));
        DeletedOf(*store_, fragment);
      }
    }
  }
  EXPECT_EQ(Versions(), Numbers{4});
}

}  // namespace
}  // namespace pilum::dataset
