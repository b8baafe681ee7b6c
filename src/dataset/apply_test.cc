#include "dataset/apply.h"

#include <gtest/gtest.h>

#include "dataset/compatibility.h"
#include "dataset/roaring_reader.h"
#include "dataset/test_commit.h"

namespace pilum::dataset {
namespace {

/// Version 3 with fragments 0, 1 and 2; the highest id ever used was 6.
ManifestFile ThreeFragments() {
  ManifestFile file;
  file.message = SmallManifest();
  file.message.set_max_fragment_id(6);
  for (uint64_t id : {1, 2}) {
    auto* fragment = file.message.add_fragments();
    *fragment = file.message.fragments(0);
    fragment->set_id(id);
    fragment->mutable_files(0)->set_path(std::to_string(id) + ".lance");
  }
  return file;
}

arrow::Result<ManifestFile> Apply(ManifestFile file, Operation operation) {
  return ApplyTransaction(std::move(file), {3, "uuid", std::move(operation)});
}

std::vector<uint64_t> IdsOf(const ManifestFile& file) {
  std::vector<uint64_t> ids;
  for (const auto& fragment : file.message.fragments()) ids.push_back(fragment.id());
  return ids;
}

using Ids = std::vector<uint64_t>;

Fragment WithId(uint64_t id, uint64_t rows = 10) {
  Fragment fragment = NewFragment("new" + std::to_string(id) + ".lance", rows);
  fragment.id = id;
  return fragment;
}

TEST(Apply, AppendGivesIdsThatWereNeverUsed) {
  auto next = Apply(ThreeFragments(), Append{{WithId(0), WithId(0)}}).ValueOrDie();
  EXPECT_EQ(IdsOf(next), (Ids{0, 1, 2, 7, 8}));
  EXPECT_EQ(next.message.max_fragment_id(), 8u);
  EXPECT_EQ(next.message.version(), 4u);
  EXPECT_EQ(next.message.writer_version().library(), "pilum");
  EXPECT_GT(next.message.timestamp().seconds(), 1'700'000'000);
}

TEST(Apply, WhatIsNotUnderstoodIsCarriedOver) {
  ManifestFile file = ThreeFragments();
  const std::string unknown = FromHex("ba3e03616263");  // field 999
  ASSERT_TRUE(file.message.MergeFromString(unknown));
  ASSERT_TRUE(file.message.mutable_fields(0)->MergeFromString(unknown));
  auto* fragment = file.message.mutable_fragments(1);
  ASSERT_TRUE(fragment->MergeFromString(unknown));
  ASSERT_TRUE(fragment->mutable_files(0)->MergeFromString(unknown));
  file.message.set_branch("b");
  (*file.message.mutable_table_metadata())["k"] = "v";
  file.index_section = "";

  auto store = MakeMemoryStore();
  std::string bytes = SerializeManifestFile(&file);
  Manifest manifest = ParseManifest(AsBytes(bytes), "m").ValueOrDie();
  auto next = Apply(file, DeleteRows(*store, manifest, 1, {3})).ValueOrDie();
  auto kept = [&](const auto& message) { return message.SerializeAsString().ends_with(unknown); };
  EXPECT_TRUE(kept(next.message));
  EXPECT_TRUE(kept(next.message.fields(0)));
  EXPECT_TRUE(kept(next.message.fragments(1)));
  EXPECT_TRUE(kept(next.message.fragments(1).files(0)));
  EXPECT_EQ(next.message.fragments(1).deletion_file().num_deleted_rows(), 1u);
  EXPECT_EQ(next.message.branch(), "b");
  EXPECT_EQ(next.message.table_metadata().at("k"), "v");
  EXPECT_TRUE(next.index_section.has_value());
}

TEST(Apply, FeatureFlagsFollowFromTheContents) {
  ManifestFile file = ThreeFragments();
  file.message.set_reader_feature_flags(kDeletionFiles | kMixedFileVersions);
  file.message.set_writer_feature_flags(kDeletionFiles | kMixedFileVersions);
  (*file.message.mutable_config())["k"] = "v";
  auto next = Apply(file, Append{}).ValueOrDie();
  EXPECT_EQ(next.message.reader_feature_flags(), uint64_t{kMixedFileVersions});
  EXPECT_EQ(next.message.writer_feature_flags(), uint64_t{kMixedFileVersions | kTableConfig});
  auto* deletion = file.message.mutable_fragments(0)->mutable_deletion_file();
  deletion->set_num_deleted_rows(1);
  file.message.add_base_paths()->set_path("/x");
  next = Apply(file, Append{}).ValueOrDie();
  EXPECT_EQ(next.message.reader_feature_flags(),
            uint64_t{kMixedFileVersions | kDeletionFiles | kBasePaths});
}

TEST(Apply, WriterFeaturesThatAreNotKnownAreRefused) {
  for (uint64_t flag : {uint64_t{kDataOverlays}, uint64_t{1} << 40}) {
    ManifestFile file = ThreeFragments();
    file.message.set_writer_feature_flags(flag | kDeletionFiles);
    ExpectError(Apply(file, Append{}).status(), ErrorKind::kUnsupported,
                "writer feature flags " + std::to_string(flag));
    ExpectError(ApplyRestore(file, ThreeFragments()).status(), ErrorKind::kUnsupported, "writer");
  }
}

TEST(Apply, DeleteRemovesFragments) {
  auto next = Apply(ThreeFragments(), Delete{.updated = {}, .removed = {0, 2}, .predicate = ""});
  EXPECT_EQ(IdsOf(*next), Ids{1});
  EXPECT_EQ(next->message.max_fragment_id(), 6u);
}

TEST(Apply, FragmentsThatDoNotExistAreRefused) {
  ExpectError(
      Apply(ThreeFragments(), Delete{.updated = {WithId(5)}, .removed = {}, .predicate = ""})
          .status(),
      ErrorKind::kInvalidArgument, "fragment 5");
  ExpectError(
      Apply(ThreeFragments(), Delete{.updated = {}, .removed = {9}, .predicate = ""}).status(),
      ErrorKind::kInvalidArgument, "fragment 9");
}

TEST(Apply, NewFragmentsHaveNoDeletions) {
  Fragment fragment = WithId(0);
  fragment.deletion_file = DeletionFile{.num_deleted_rows = 1, .base_id = {}};
  ExpectError(Apply(ThreeFragments(), Append{{fragment}}).status(), ErrorKind::kInvalidArgument,
              "deletion file");
}

TEST(Apply, RewriteReplacesTheOldFragmentsAndKeepsIdsAscending) {
  Rewrite rewrite{{{{WithId(0), WithId(1)}, {WithId(5, 12), WithId(6, 8)}}}};
  auto next = Apply(ThreeFragments(), rewrite).ValueOrDie();
  EXPECT_EQ(IdsOf(next), (Ids{2, 5, 6}));
  rewrite.groups[0].after[1].id = 7;
  ExpectError(Apply(ThreeFragments(), rewrite).status(), ErrorKind::kInvalidArgument,
              "was not reserved");
}

TEST(Apply, ReserveRaisesTheHighestId) {
  auto next = Apply(ThreeFragments(), ReserveFragments{3}).ValueOrDie();
  EXPECT_EQ(next.message.max_fragment_id(), 9u);
  EXPECT_EQ(IdsOf(next), (Ids{0, 1, 2}));
}

TEST(Apply, OverwriteReplacesRowsSchemaAndIndices) {
  ManifestFile file = ThreeFragments();
  file.index_section = "";
  (*file.message.mutable_config())["old"] = "1";
  Overwrite overwrite{.schema = TestSchema(), .fragments = {WithId(0)}, .config = {{"new", "2"}}};
  overwrite.file_version = FileVersion::kV2_1;
  auto next = Apply(file, overwrite).ValueOrDie();
  EXPECT_EQ(IdsOf(next), Ids{7});
  EXPECT_EQ(next.message.fields_size(), 2);
  EXPECT_EQ(next.message.fields(1).parent_id(), -1);
  EXPECT_EQ(next.message.config().size(), 2u);
  EXPECT_EQ(next.message.data_format().version(), "2.1");
  EXPECT_FALSE(next.index_section.has_value());
}

TEST(Apply, OverwriteWithoutRowsStillRemembersTheIds) {
  ManifestFile file = ThreeFragments();
  file.message.clear_max_fragment_id();  // as early writers left it
  auto next = Apply(file, Overwrite{.schema = TestSchema()}).ValueOrDie();
  EXPECT_EQ(next.message.max_fragment_id(), 2u);
}

TEST(Apply, RestoreKeepsCounters) {
  ManifestFile latest = ThreeFragments();
  latest.message.set_version(8);
  latest.message.set_next_row_id(100);
  ManifestFile old = ThreeFragments();
  old.message.set_max_fragment_id(3);
  old.message.mutable_fragments()->RemoveLast();
  auto next = ApplyRestore(latest, old).ValueOrDie();
  EXPECT_EQ(next.message.version(), 9u);
  EXPECT_EQ(next.message.max_fragment_id(), 6u);
  EXPECT_EQ(next.message.next_row_id(), 100u);
  EXPECT_EQ(IdsOf(next), (Ids{0, 1}));
}

TEST(Apply, StableRowIdsAreGivenAtTheCommit) {
  ManifestFile empty;
  Overwrite create{.schema = TestSchema(), .fragments = {WithId(0, 100)}};
  create.stable_row_ids = true;
  auto first = ApplyTransaction(empty, {0, "uuid", create}).ValueOrDie();
  EXPECT_EQ(first.message.next_row_id(), 100u);
  const auto& fragment = first.message.fragments(0);
  // As the reference library writes them.
  EXPECT_EQ(fragment.inline_row_ids(), FromHex("0a040a021064"));
  EXPECT_EQ(fragment.inline_created_at_versions(), FromHex("0a080a040a0210641001"));
  EXPECT_EQ(fragment.inline_last_updated_at_versions(), FromHex("0a080a040a0210641001"));

  Fragment moved = WithId(0, 100);
  moved.inline_row_ids = fragment.inline_row_ids();
  moved.created_at_versions = fragment.inline_created_at_versions();
  auto second = Apply(first, Update{.removed = {0}, .updated = {}, .added = {moved, WithId(0, 5)}});
  const auto& kept = second->message.fragments(0);
  EXPECT_EQ(kept.inline_row_ids(), FromHex("0a040a021064"));
  EXPECT_EQ(kept.inline_created_at_versions(), FromHex("0a080a040a0210641001"));
  EXPECT_EQ(kept.inline_last_updated_at_versions(), FromHex("0a080a040a0210641002"));
  EXPECT_EQ(second->message.fragments(1).inline_row_ids(), FromHex("0a060a0408641069"));
  EXPECT_EQ(second->message.next_row_id(), 105u);
}

std::string Indexed(std::vector<uint32_t> fragments, int32_t field) {
  lance::table::IndexSection section;
  auto* index = section.add_indices();
  index->set_name("i");
  index->add_fields(field);
  index->set_fragment_bitmap(EncodeRoaring(fragments));
  section.add_indices()->set_name("__lance_frag_reuse");
  return section.SerializeAsString();
}

std::vector<uint32_t> Covered(const ManifestFile& file) {
  lance::table::IndexSection section;
  EXPECT_TRUE(section.ParseFromString(file.index_section.value_or("")));
  EXPECT_EQ(section.indices_size(), 2);
  return ReadRoaring(AsBytes(section.indices(0).fragment_bitmap()), 100).ValueOrDie();
}

TEST(Apply, IndicesDoNotClaimRowsThatMoved) {
  ManifestFile file = ThreeFragments();
  file.index_section = Indexed({0, 1, 2}, 0);
  Rewrite rewrite{{{{WithId(1), WithId(2)}, {WithId(5, 20)}}}};
  EXPECT_EQ(Covered(*Apply(file, rewrite)), std::vector<uint32_t>{0});
  file.message.set_reader_feature_flags(kStableRowIds);
  EXPECT_EQ(Covered(*Apply(file, rewrite)), (std::vector<uint32_t>{0, 5}));
  file.index_section = Indexed({0, 1}, 0);  // 2 was never indexed
  EXPECT_EQ(Covered(*Apply(file, rewrite)), std::vector<uint32_t>{0});
}

TEST(Apply, IndicesForgetFragmentsWhoseValuesChanged) {
  ManifestFile file = ThreeFragments();
  file.index_section = Indexed({0, 1, 2}, 0);
  Update update{.removed = {}, .updated = {WithId(1)}, .added = {}, .fields_modified = {0}};
  EXPECT_EQ(Covered(*Apply(file, update)), (std::vector<uint32_t>{0, 2}));
  update.fields_modified = {1};
  EXPECT_EQ(Covered(*Apply(file, update)), (std::vector<uint32_t>{0, 1, 2}));
}

}  // namespace
}  // namespace pilum::dataset
