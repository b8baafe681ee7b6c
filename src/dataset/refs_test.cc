#include <gtest/gtest.h>

#include "dataset/manifest.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {
namespace {

TEST(Tags, AreListedByName) {
  auto store = MakeMemoryStore();
  PutText(*store, "_refs/tags/v2.json",
          R"({"branch": "feat/x", "version": 2, "manifestSize": 530, "metadata": {}})");
  PutText(*store, "_refs/tags/a.json", R"({"branch": null, "version": 5, "manifestSize": 785})");
  PutText(*store, "_refs/tags/readme.txt", "not a tag");
  auto tags = ListTags(*store).ValueOrDie();
  ASSERT_EQ(tags.size(), 2u);
  EXPECT_EQ(tags[0].name, "a");
  EXPECT_EQ(tags[0].branch, "");
  EXPECT_EQ(tags[0].version, 5u);
  EXPECT_EQ(tags[0].manifest_size, 785u);
  EXPECT_EQ(tags[1].name, "v2");
  EXPECT_EQ(tags[1].branch, "feat/x");
}

TEST(Tags, AreNoneWithoutTheFolder) {
  EXPECT_TRUE(ListTags(*MakeMemoryStore()).ValueOrDie().empty());
}

TEST(Tags, AreRefusedWhenDamaged) {
  const std::string deep(100'000, '[');
  for (std::string_view text :
       {std::string_view(""), std::string_view("{"), std::string_view("[]"), std::string_view(deep),
        std::string_view("{\"version\": \"1\", \"manifestSize\": 1}"),
        std::string_view("{\"version\": -1, \"manifestSize\": 1}"),
        std::string_view("{\"version\": 1.5, \"manifestSize\": 1}"),
        std::string_view("{\"version\": 1}"),
        std::string_view("{\"version\": 1, \"manifestSize\": 1, \"branch\": 7}"),
        std::string_view("{\"version\": 1, \"manifestSize\": 1, \"branch\": \"../..\"}"),
        std::string_view("{\"version\": 1, \"manifestSize\": 1, \"branch\": \"\xff\"}")}) {
    auto store = MakeMemoryStore();
    PutText(*store, "_refs/tags/t.json", text);
    auto status = ListTags(*store).status();
    EXPECT_EQ(GetErrorKind(status), ErrorKind::kCorruptData) << text << ": " << status.ToString();
    EXPECT_NE(GetErrorDetail(status)->where().path.find("t.json"), std::string::npos);
  }
}

TEST(Tags, AreRefusedWhenHuge) {
  auto store = MakeMemoryStore();
  PutText(*store, "_refs/tags/t.json", std::string((1 << 20) + 1, ' '));
  ExpectError(ListTags(*store).status(), ErrorKind::kCorruptData, "a few hundred");
}

TEST(Branches, AreListedWithTheirSlashes) {
  auto store = MakeMemoryStore();
  PutText(*store, "_refs/branches/sub.json", R"({"parentBranch": "feat/x", "parentVersion": 4})");
  PutText(*store, "_refs/branches/feat%2Fx%2Fy.json",
          R"({"parentBranch": null, "parentVersion": 1})");
  auto branches = ListBranches(*store).ValueOrDie();
  ASSERT_EQ(branches.size(), 2u);
  EXPECT_EQ(branches[0].name, "feat/x/y");
  EXPECT_EQ(branches[0].parent, "");
  EXPECT_EQ(branches[0].parent_version, 1u);
  EXPECT_EQ(branches[1].name, "sub");
  EXPECT_EQ(branches[1].parent, "feat/x");
  EXPECT_EQ(branches[1].parent_version, 4u);
}

TEST(Branches, MustNotLeadOutOfTheTable) {
  auto store = MakeMemoryStore();
  PutText(*store, "_refs/branches/..%2F..%2Fx.json", R"({"parentVersion": 1})");
  ExpectError(ListBranches(*store).status(), ErrorKind::kCorruptData, "'../../x'");
}

}  // namespace
}  // namespace pilum::dataset
