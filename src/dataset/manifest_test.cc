#include "dataset/manifest.h"

#include <gtest/gtest.h>

#include "dataset/compatibility.h"
#include "dataset/test_manifest.h"
#include "io/store_path.h"

namespace pilum::dataset {
namespace {

arrow::Result<Manifest> Parse(const lance::table::Manifest& message) {
  return ParseManifest(AsBytes(FrameManifest(message)), "m.manifest");
}

void ExpectRefused(const lance::table::Manifest& message, ErrorKind kind, std::string_view text) {
  ExpectError(Parse(message).status(), kind, text);
}

TEST(Manifest, ReadsEveryPart) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_timestamp()->set_seconds(1'700'000'000);
  message.mutable_timestamp()->set_nanos(123'456'789);
  message.set_reader_feature_flags(kDeletionFiles | kBasePaths);
  message.mutable_writer_version()->set_library("lance");
  message.mutable_writer_version()->set_version("14.0.2");
  message.set_next_row_id(7);
  message.set_branch("feature/x");
  (*message.mutable_config())["c"] = "1";
  (*message.mutable_table_metadata())["t"] = "2";
  auto* base = message.add_base_paths();
  base->set_id(5);
  base->set_name("old");
  base->set_is_dataset_root(true);
  base->set_path("s3://bucket/table");
  auto* fragment = message.mutable_fragments(0);
  fragment->set_id(9);
  fragment->mutable_files(0)->set_file_size_bytes(100);
  fragment->mutable_files(0)->set_base_id(5);
  auto* deletion = fragment->mutable_deletion_file();
  deletion->set_file_type(lance::table::DeletionFile::BITMAP);
  deletion->set_read_version(2);
  deletion->set_id(UINT64_MAX);
  deletion->set_num_deleted_rows(4);
  auto manifest = Parse(message);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();

  EXPECT_EQ(manifest->version, 3u);
  EXPECT_EQ(manifest->timestamp_us, 1'700'000'000'123'456);
  EXPECT_EQ(manifest->file_version, FileVersion::kV2_2);
  EXPECT_FALSE(manifest->stable_row_ids);
  EXPECT_EQ(manifest->next_row_id, 7u);
  EXPECT_EQ(manifest->branch, "feature/x");
  EXPECT_EQ(manifest->writer, "lance 14.0.2");
  EXPECT_EQ(manifest->path, "m.manifest");
  EXPECT_EQ(manifest->config.at("c"), "1");
  EXPECT_EQ(manifest->table_metadata.at("t"), "2");
  EXPECT_EQ(manifest->schema.arrow->ToString(), "a: int32");
  ASSERT_EQ(manifest->base_paths.size(), 1u);
  EXPECT_EQ(manifest->base_paths[0].path, "s3://bucket/table");
  EXPECT_TRUE(manifest->base_paths[0].is_dataset_root);
  ASSERT_EQ(manifest->fragments.size(), 1u);
  const Fragment& read = manifest->fragments[0];
  EXPECT_EQ(read.id, 9u);
  EXPECT_EQ(read.physical_rows, 10u);
  EXPECT_EQ(read.live_rows(), 6u);
  EXPECT_EQ(manifest->live_rows(), 6u);
  EXPECT_EQ(read.files[0].path, "x.lance");
  EXPECT_EQ(read.files[0].size, 100u);
  EXPECT_EQ(read.files[0].base_id, 5u);
  EXPECT_EQ(read.deletion_file->type, DeletionFile::Type::kBitmap);
  EXPECT_EQ(read.deletion_file->id, UINT64_MAX);
  EXPECT_EQ(read.deletion_file->base_id, std::nullopt);
}

TEST(Manifest, SkipsTheSectionsBeforeTheMessage) {
  std::string message = SmallManifest().SerializeAsString();
  std::string file = FromHex("02000000 ffff") + std::string(1, static_cast<char>(message.size())) +
                     FromHex("000000") + message + FromHex("0600000000000000 0000 0200") + "LANC";
  auto manifest = ParseManifest(AsBytes(file), "m");
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_EQ(manifest->version, 3u);
}

TEST(Manifest, ReadsFragmentsWhereverTheyStandInTheMessage) {
  lance::table::Manifest rest = SmallManifest();
  rest.clear_fragments();
  lance::table::Manifest first;
  *first.add_fragments() = SmallManifest().fragments(0);
  lance::table::Manifest last = first;
  last.mutable_fragments(0)->set_id(1);
  auto manifest =
      ParseManifest(AsBytes(FrameMessage(first.SerializeAsString() + rest.SerializeAsString() +
                                         last.SerializeAsString())),
                    "m");
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  ASSERT_EQ(manifest->fragments.size(), 2u);
  EXPECT_EQ(manifest->fragments[0].id, 0u);
  EXPECT_EQ(manifest->fragments[1].id, 1u);
  EXPECT_EQ(manifest->version, 3u);
}

TEST(Manifest, RefusesFragmentsThatAreNoMessages) {
  const std::string rest = SmallManifest().SerializeAsString();
  ExpectError(ParseManifest(AsBytes(FrameMessage(rest + FromHex("1202 0aff"))), "m").status(),
              ErrorKind::kCorruptData, "the 2 bytes of the fragment are not a valid message");
  for (const char* broken : {"1203 0aff", "12", "07", "00"}) {
    ExpectError(ParseManifest(AsBytes(FrameMessage(rest + FromHex(broken))), "m").status(),
                ErrorKind::kCorruptData, "of the manifest message are not a valid message");
  }
}

TEST(Manifest, RefusesBrokenFraming) {
  const std::string good = FrameManifest(SmallManifest());
  auto expect = [&](size_t from_end, std::string_view hex, ErrorKind kind, std::string_view text) {
    std::string file = good;
    std::string bytes = FromHex(hex);
    file.replace(file.size() - from_end, bytes.size(), bytes);
    auto status = ParseManifest(AsBytes(file), "m.manifest").status();
    ExpectError(status, kind, text);
    EXPECT_EQ(GetErrorDetail(status)->where().path, "m.manifest");
  };
  expect(1, "44", ErrorKind::kCorruptData, "LANC");
  expect(8, "0100", ErrorKind::kUnsupported, "manifest format 1.2");
  expect(6, "0300", ErrorKind::kUnsupported, "manifest format 0.3");
  expect(16, "ffffffffffffffff", ErrorKind::kCorruptData, "offset 18446744073709551615");
  expect(good.size(), "ffffffff", ErrorKind::kCorruptData, "manifest message");
  expect(good.size() - 4, "ffff", ErrorKind::kCorruptData, "not a valid message");
  ExpectError(ParseManifest({}, "m").status(), ErrorKind::kCorruptData, "footer");
}

TEST(Manifest, RefusesNamesThatAreNotUtf8) {
  std::string file = FrameManifest(SmallManifest());
  file[file.find("int32")] = '\xff';
  ExpectError(ParseManifest(AsBytes(file), "m").status(), ErrorKind::kCorruptData,
              "not a valid message");
}

TEST(Manifest, RefusesReaderFlagsThatAreNotImplemented) {
  for (int bit = 0; bit < 64; ++bit) {
    lance::table::Manifest message = SmallManifest();
    message.clear_fragments();
    message.set_reader_feature_flags(uint64_t{1} << bit);
    const uint64_t flag = uint64_t{1} << bit;
    bool implemented = flag <= 32 || flag == 128 || flag == 256 || flag == 1024;
    if (implemented) {
      EXPECT_TRUE(Parse(message).ok()) << flag;
    } else {
      ExpectRefused(message, ErrorKind::kUnsupported, std::to_string(flag));
    }
  }
}

TEST(Manifest, NamesAllMissingFeaturesAtOnce) {
  lance::table::Manifest message = SmallManifest();
  message.set_reader_feature_flags(1 | 64 | 65536);
  ExpectRefused(message, ErrorKind::kUnsupported,
                "64 (data overlay files), 65536 (unknown); use a newer version");
}

TEST(Manifest, IgnoresWriterFlags) {
  lance::table::Manifest message = SmallManifest();
  message.set_writer_feature_flags(UINT64_MAX);
  EXPECT_TRUE(Parse(message).ok());
}

TEST(Manifest, ReadsStorageVersions) {
  auto version = [](const char* text) { return ParseFileVersion(text); };
  EXPECT_EQ(*version("2.0"), FileVersion::kV2_0);
  EXPECT_EQ(*version("2.1"), FileVersion::kV2_1);
  EXPECT_EQ(*version("2.2"), FileVersion::kV2_2);
  EXPECT_EQ(*MakeFileVersion(0, 3), FileVersion::kV2_0);
  ExpectError(version("0.1").status(), ErrorKind::kUnsupported,
              "legacy (0.1) is not supported; rewrite");
  ExpectError(version("legacy").status(), ErrorKind::kUnsupported, "legacy (0.1)");
  ExpectError(version("2.3").status(), ErrorKind::kUnsupported, "2.3 is unstable");
  for (const char* text : {"", "2", "2.", "2.4", "3.0", "x", "2.2.1", "-2.2", "99999999999.0"}) {
    ExpectError(version(text).status(), ErrorKind::kUnsupported, "is not known");
  }
}

TEST(Manifest, TakesAMissingStorageVersionFromTheFiles) {
  lance::table::Manifest message = SmallManifest();
  message.clear_data_format();
  EXPECT_EQ(Parse(message)->file_version, FileVersion::kV2_2);
  message.clear_fragments();
  ExpectRefused(message, ErrorKind::kUnsupported, "legacy");
  message.set_writer_feature_flags(kVersion2Files);
  EXPECT_EQ(Parse(message)->file_version, FileVersion::kV2_0);
}

TEST(Manifest, RefusesOtherFileFormats) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_data_format()->set_file_format("parquet");
  ExpectRefused(message, ErrorKind::kUnsupported, "'parquet'");
}

TEST(Manifest, RefusesTimestampsOutOfRange) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_timestamp()->set_seconds(INT64_MAX);
  ExpectRefused(message, ErrorKind::kCorruptData, "timestamp");
  message.mutable_timestamp()->set_seconds(0);
  message.mutable_timestamp()->set_nanos(-1);
  ExpectRefused(message, ErrorKind::kCorruptData, "timestamp");
}

TEST(Manifest, RefusesFilesOutsideTheTable) {
  for (const char* path : {"", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a/./b"}) {
    lance::table::Manifest message = SmallManifest();
    message.mutable_fragments(0)->mutable_files(0)->set_path(path);
    ExpectRefused(message, ErrorKind::kCorruptData, "data file path");
  }
  EXPECT_TRUE(io::IsInnerPath("a/b..c/...lance"));
  EXPECT_FALSE(io::IsInnerPath(std::string_view("a\0b", 3)));
}

TEST(Manifest, RefusesFieldsAndColumnsThatDoNotMatch) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_fragments(0)->mutable_files(0)->add_fields(1);
  ExpectRefused(message, ErrorKind::kCorruptData, "2 fields but 1 columns");
  message.mutable_fragments(0)->mutable_files(0)->add_column_indices(-2);
  ExpectRefused(message, ErrorKind::kCorruptData, "negative column");
  message.mutable_fragments(0)->mutable_files(0)->set_column_indices(1, -1);
  EXPECT_TRUE(Parse(message).ok());
}

TEST(Manifest, RefusesAFieldWithTwoColumnsButAllowsTombstones) {
  lance::table::Manifest message = SmallManifest();
  *message.mutable_fragments(0)->add_files() = message.fragments(0).files(0);
  ExpectRefused(message, ErrorKind::kCorruptData, "field 0 has more than one column");
  for (auto& file : *message.mutable_fragments(0)->mutable_files()) {
    file.set_fields(0, kTombstoneFieldId);
  }
  EXPECT_TRUE(Parse(message).ok());
}

TEST(Manifest, RefusesUnknownBases) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_fragments(0)->mutable_files(0)->set_base_id(2);
  ExpectRefused(message, ErrorKind::kCorruptData, "base path 2");
  for (int i = 0; i < 2; ++i) {
    message.add_base_paths()->set_id(2);
    message.mutable_base_paths(i)->set_path("/elsewhere");
  }
  ExpectRefused(message, ErrorKind::kCorruptData, "two base paths have the id 2");
  message.mutable_base_paths(1)->set_id(3);
  EXPECT_TRUE(Parse(message).ok());
  message.mutable_base_paths(1)->clear_path();
  ExpectRefused(message, ErrorKind::kCorruptData, "base path 3 is empty");
}

TEST(Manifest, RefusesFragmentsThatRowAddressesCannotName) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_fragments(0)->set_id(uint64_t{1} << 32);
  ExpectRefused(message, ErrorKind::kCorruptData, "fragment 4294967296: fragment ids have 32 bits");
  message.mutable_fragments(0)->set_id(0);
  message.mutable_fragments(0)->set_physical_rows((uint64_t{1} << 32) + 1);
  ExpectRefused(message, ErrorKind::kCorruptData, "offsets of rows have 32 bits");
  message.mutable_fragments(0)->set_physical_rows(uint64_t{1} << 32);
  EXPECT_TRUE(Parse(message).ok());
  message.mutable_fragments(0)->set_physical_rows(0);
  ExpectRefused(message, ErrorKind::kUnsupported, "how many rows");
}

TEST(Manifest, RefusesRepeatedFragmentIds) {
  lance::table::Manifest message = SmallManifest();
  *message.add_fragments() = message.fragments(0);
  ExpectRefused(message, ErrorKind::kCorruptData, "two fragments have the id 0");
}

TEST(Manifest, ChecksDeletionFiles) {
  lance::table::Manifest message = SmallManifest();
  auto* deletion = message.mutable_fragments(0)->mutable_deletion_file();
  ExpectRefused(message, ErrorKind::kUnsupported, "how many rows are deleted");
  deletion->set_num_deleted_rows(11);
  ExpectRefused(message, ErrorKind::kCorruptData, "11 rows are deleted of 10");
  deletion->set_num_deleted_rows(10);
  EXPECT_EQ(Parse(message)->live_rows(), 0u);
  deletion->set_file_type(static_cast<lance::table::DeletionFile::DeletionFileType>(7));
  ExpectRefused(message, ErrorKind::kUnsupported, "type 7");
}

TEST(Manifest, RefusesOverlaysAndExternalRowIds) {
  lance::table::Manifest message = SmallManifest();
  message.mutable_fragments(0)->add_overlays();
  ExpectRefused(message, ErrorKind::kUnsupported, "overlay");
  message.mutable_fragments(0)->clear_overlays();
  message.mutable_fragments(0)->mutable_external_row_ids()->set_path("ids");
  ExpectRefused(message, ErrorKind::kUnsupported, "row ids");
}

TEST(Manifest, WantsRowIdsInEveryFragmentWhenTheyAreStable) {
  lance::table::Manifest message = SmallManifest();
  message.set_reader_feature_flags(kStableRowIds);
  ExpectRefused(message, ErrorKind::kCorruptData, "stable row ids");
  message.mutable_fragments(0)->set_inline_row_ids("x");
  auto manifest = Parse(message);
  ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
  EXPECT_TRUE(manifest->stable_row_ids);
  EXPECT_EQ(manifest->fragments[0].inline_row_ids, "x");
}

}  // namespace
}  // namespace pilum::dataset
