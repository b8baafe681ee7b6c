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

TEST(Tags, AreCreatedMovedAndDeleted) {
  auto store = MakeMemoryStore();
  ASSERT_TRUE(CreateTag(*store, "v1.0-rc_1", "", {{.version = 3}, 500}).ok());
  auto tag = FindTag(*store, "v1.0-rc_1").ValueOrDie();
  ASSERT_TRUE(tag.has_value());
  EXPECT_EQ(tag->version, 3u);
  EXPECT_EQ(tag->branch, "");
  EXPECT_EQ(tag->manifest_size, 500u);
  ASSERT_TRUE(UpdateTag(*store, "v1.0-rc_1", "b", {{.version = 4}, 600}).ok());
  tag = FindTag(*store, "v1.0-rc_1").ValueOrDie();
  EXPECT_EQ(tag->version, 4u);
  EXPECT_EQ(tag->branch, "b");
  ASSERT_TRUE(DeleteTag(*store, "v1.0-rc_1").ok());
  EXPECT_TRUE(ListTags(*store).ValueOrDie().empty());
}

TEST(Tags, AreCreatedOnceAndExistBeforeTheyMove) {
  auto store = MakeMemoryStore();
  ASSERT_TRUE(CreateTag(*store, "a", "", {{.version = 1}, 5}).ok());
  ExpectError(CreateTag(*store, "a", "", {{.version = 2}, 5}), ErrorKind::kAlreadyExists,
              "has a tag 'a' already");
  EXPECT_EQ(FindTag(*store, "a").ValueOrDie()->version, 1u);
  ExpectError(UpdateTag(*store, "b", "", {{.version = 2}}), ErrorKind::kNotFound, "no tag 'b'");
  ExpectError(DeleteTag(*store, "b"), ErrorKind::kNotFound, "no tag 'b'");
}

TEST(Tags, KeepWhatOthersSaidAboutThem) {
  auto store = MakeMemoryStore();
  PutText(*store, "_refs/tags/a.json",
          R"({"version": 1, "manifestSize": 5, "createdAt": "then", "metadata": {"k": "v"}})");
  ASSERT_TRUE(UpdateTag(*store, "a", "", {{.version = 2}, 5}).ok());
  auto object = store->Open("_refs/tags/a.json").ValueOrDie();
  std::string text(object->size(), 0);
  ASSERT_TRUE(object->ReadAt(0, std::as_writable_bytes(std::span(text))).ok());
  EXPECT_NE(text.find("then"), std::string::npos) << text;
  EXPECT_NE(text.find("\"k\": \"v\""), std::string::npos) << text;
}

TEST(Tags, NamesAreChecked) {
  auto store = MakeMemoryStore();
  for (const char* name :
       {"", ".a", "a.", "a..b", "a.lock", "a b", "a/b", "../a", "a%2Fb", "\xc3\xa4", "a\n"}) {
    ExpectError(CreateTag(*store, name, "", {{.version = 1}}), ErrorKind::kInvalidArgument,
                "cannot be the name of a tag");
  }
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
