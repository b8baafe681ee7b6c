#include <gtest/gtest.h>

#include "dataset/manifest.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

std::string ManifestOf(uint64_t version) {
  lance::table::Manifest manifest = SmallManifest();
  manifest.set_version(version);
  return FrameManifest(manifest);
}

std::vector<uint64_t> VersionsOf(ObjectStore& store) {
  std::vector<uint64_t> numbers;
  auto versions = ListVersions(store);
  EXPECT_TRUE(versions.ok()) << versions.status().ToString();
  for (const ListedVersion& info : *versions) numbers.push_back(info.version);
  return numbers;
}

TEST(Versions, AreReadFromV2Names) {
  auto store = MakeMemoryStore();
  PutText(*store, "_versions/18446744073709551614.manifest", ManifestOf(1));
  PutText(*store, "_versions/18446744073709551605.manifest", ManifestOf(10));
  PutText(*store, "_versions/18446744073709551613.manifest", ManifestOf(2));
  EXPECT_EQ(VersionsOf(*store), (std::vector<uint64_t>{1, 2, 10}));
  EXPECT_EQ(ReadManifest(*store, {}).ValueOrDie()->version, 10u);
  EXPECT_EQ(ReadManifest(*store, 2).ValueOrDie()->version, 2u);
}

TEST(Versions, AreReadFromV1Names) {
  auto store = MakeMemoryStore();
  PutText(*store, "_versions/1.manifest", ManifestOf(1));
  PutText(*store, "_versions/10.manifest", ManifestOf(10));
  PutText(*store, "_versions/9.manifest", ManifestOf(9));
  EXPECT_EQ(VersionsOf(*store), (std::vector<uint64_t>{1, 9, 10}));
  EXPECT_EQ(ReadManifest(*store, {}).ValueOrDie()->version, 10u);
}

TEST(Versions, IgnoreFilesThatAreNotInTheHistory) {
  auto store = MakeMemoryStore();
  PutText(*store, "_versions/1.manifest", ManifestOf(1));
  for (const char* name :
       {"d9223372036854775809.manifest", "latest_version_hint.json", ".manifest", "2.manifest-5f0c",
        "2.manifest.tmp", "x3.manifest", "3x.manifest", "04.manifest", "-5.manifest",
        "99999999999999999999.manifest", "100000000000000000000.manifest"}) {
    PutText(*store, std::string("_versions/") + name, "junk");
  }
  EXPECT_EQ(VersionsOf(*store), (std::vector<uint64_t>{1}));
}

TEST(Versions, AreNoneWithoutTheFolder) {
  auto store = MakeMemoryStore();
  EXPECT_TRUE(VersionsOf(*store).empty());
  ExpectError(ReadManifest(*store, {}).status(), ErrorKind::kNotFound, "there is no table at");
  ExpectError(ReadManifest(*store, 3).status(), ErrorKind::kNotFound, "there is no table at");
}

TEST(Versions, MustUseOneNaming) {
  auto store = MakeMemoryStore();
  PutText(*store, "_versions/1.manifest", ManifestOf(1));
  PutText(*store, "_versions/18446744073709551613.manifest", ManifestOf(2));
  ExpectError(ListVersions(*store).status(), ErrorKind::kCorruptData, "migration");
}

TEST(Versions, SayWhichExistWhenOneIsMissing) {
  auto store = MakeMemoryStore();
  PutText(*store, "_versions/3.manifest", ManifestOf(3));
  PutText(*store, "_versions/7.manifest", ManifestOf(7));
  auto status = ReadManifest(*store, 5).status();
  ExpectError(status, ErrorKind::kNotFound, "version 5 does not exist");
  ExpectError(status, ErrorKind::kNotFound, "between 3 and 7");
  ExpectError(ReadManifest(*store, 8).status(), ErrorKind::kNotFound, "version 8");
}

TEST(Versions, MustBeTheVersionOfTheirName) {
  auto store = MakeMemoryStore();
  PutText(*store, "_versions/3.manifest", ManifestOf(4));
  ExpectError(ReadManifest(*store, {}).status(), ErrorKind::kCorruptData, "version 3");
}

}  // namespace
}  // namespace pilum::dataset
