// What this folder reads, against tables that the reference library wrote and the rows it read from
// them.
#include "dataset/reference_tables.h"

#include <array>
#include <set>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "dataset/deletion_file.h"
#include "dataset/fragment_rows.h"
#include "dataset/fuzz.h"
#include "dataset/manifest.h"
#include "dataset/row_id_index.h"
#include "dataset/test_manifest.h"
#include "rows/row_address.h"

namespace pilum::dataset {
namespace {

std::shared_ptr<ObjectStore> OpenTable(const std::string& uri) {
  return OpenLocalStore(uri).ValueOrDie();
}

/// Registered extensions as the files hold them: the storage type with metadata.
std::shared_ptr<arrow::Field> StorageField(const std::shared_ptr<arrow::Field>& field) {
  if (field->type()->id() != arrow::Type::EXTENSION) return field;
  const auto& type = static_cast<const arrow::ExtensionType&>(*field->type());
  auto metadata = arrow::key_value_metadata({{"ARROW:extension:name", type.extension_name()},
                                             {"ARROW:extension:metadata", type.Serialize()}});
  return field->WithType(type.storage_type())->WithMergedMetadata(metadata);
}

/// Without the row id and row address that follow the columns.
std::shared_ptr<arrow::Schema> ExpectedSchema(const std::filesystem::path& file) {
  auto schema = OpenArrowFile(file)->schema();
  arrow::FieldVector fields;
  for (int i = 0; i + 2 < schema->num_fields(); ++i)
    fields.push_back(StorageField(schema->field(i)));
  return arrow::schema(fields, schema->metadata());
}

/// The row ids and row addresses of the expected rows.
std::array<std::vector<uint64_t>, 2> ExpectedRows(const std::filesystem::path& path) {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  int columns = OpenArrowFile(path)->schema()->num_fields();
  options.included_fields = {columns - 2, columns - 1};
  auto file = OpenArrowFile(path, options);
  std::array<std::vector<uint64_t>, 2> rows;
  for (int i = 0; i < file->num_record_batches(); ++i) {
    auto batch = file->ReadRecordBatch(i).ValueOrDie();
    for (int column = 0; column < 2; ++column) {
      const auto& values = static_cast<const arrow::UInt64Array&>(*batch->column(column));
      rows[column].insert(rows[column].end(), values.raw_values(),
                          values.raw_values() + values.length());
    }
  }
  return rows;
}

TEST(ReferenceTables, SchemasAreThoseOfTheRows) {
  for (const ExpectedVersion& entry : AllReferenceTables().versions) {
    auto manifest = ReadManifest(*OpenTable(entry.uri), entry.version);
    ASSERT_TRUE(manifest.ok()) << entry.name << ": " << manifest.status().ToString();
    auto expected = ExpectedSchema(entry.rows);
    const arrow::Schema& actual = *(*manifest)->schema.arrow;
    EXPECT_TRUE(actual.Equals(*expected, /*check_metadata=*/true))
        << entry.name << ": read\n"
        << actual.ToString(true) << "\nexpected\n"
        << expected->ToString(true);
  }
}

/// Row ids and addresses of all live rows in scan order, and the index over the ids.
void CheckRows(const ExpectedVersion& entry) {
  auto store = OpenTable(entry.uri);
  auto manifest = ReadManifest(*store, entry.version).ValueOrDie();
  std::vector<uint64_t> row_ids;
  std::vector<uint64_t> addresses;
  std::vector<RowIdIndex::FragmentRows> fragments;
  for (const Fragment& fragment : manifest->fragments) {
    auto deleted = ReadDeletionVector(*store, fragment);
    ASSERT_TRUE(deleted.ok()) << deleted.status().ToString();
    std::shared_ptr<const RowIds> ids;
    if (manifest->stable_row_ids) {
      auto parsed = RowIds::Parse(fragment.inline_row_ids, fragment.physical_rows);
      ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
      ids = *parsed;
      fragments.push_back({static_cast<uint32_t>(fragment.id), ids, *deleted});
    }
    for (uint64_t k = 0; k < fragment.live_rows(); ++k) {
      uint64_t offset = (*deleted)->LiveToPhysical(k);
      addresses.push_back(
          rows::MakeRowAddress(static_cast<uint32_t>(fragment.id), static_cast<uint32_t>(offset)));
      row_ids.push_back(ids ? ids->at(offset) : addresses.back());
    }
  }
  auto [expected_ids, expected_addresses] = ExpectedRows(entry.rows);
  EXPECT_EQ(row_ids, expected_ids);
  EXPECT_EQ(addresses, expected_addresses);
  EXPECT_EQ(manifest->live_rows(), expected_ids.size());
  if (!manifest->stable_row_ids) return;
  auto index = RowIdIndex::Make(fragments);
  ASSERT_TRUE(index.ok()) << index.status().ToString();
  std::set<uint64_t> live(row_ids.begin(), row_ids.end());
  for (uint64_t id = 0; id < manifest->next_row_id; ++id) {
    if (live.contains(id)) continue;
    EXPECT_EQ((*index)->Find(id), std::nullopt);
  }
  for (size_t i = 0; i < row_ids.size(); ++i) EXPECT_EQ((*index)->Find(row_ids[i]), addresses[i]);
}

TEST(ReferenceTables, LiveRowsAndTheirIdsAreThoseOfTheRows) {
  for (const ExpectedVersion& entry : AllReferenceTables().versions) {
    SCOPED_TRACE(entry.name);
    CheckRows(entry);
  }
}

TEST(ReferenceTables, TagsAreThoseOfTheListing) {
  size_t compared = 0;
  for (const ReferenceTable& table : AllReferenceTables().tables) {
    if (table.tags.empty()) continue;
    SCOPED_TRACE(table.name);
    const auto store = OpenTable(table.uri());
    std::map<uint64_t, uint64_t> sizes;
    for (const ListedVersion& version : ListVersions(*store).ValueOrDie())
      sizes[version.version] = DescribeVersion(*store, version).ValueOrDie().size;
    std::map<std::string, uint64_t> tags;
    for (const Tag& tag : ListTags(*store).ValueOrDie()) {
      EXPECT_EQ(tag.branch, "");
      EXPECT_EQ(tag.manifest_size, sizes[tag.version]) << tag.name;
      tags[tag.name] = tag.version;
    }
    for (const auto& [name, version] : table.tags) EXPECT_EQ(tags[name], version) << name;
    ++compared;
  }
  EXPECT_GT(compared, 0u);
}

TEST(ReferenceTables, NewestVersionsAreThoseOfTheListing) {
  for (const ReferenceTable& table : AllReferenceTables().tables) {
    if (table.refused()) continue;
    auto manifest = ReadManifest(*OpenTable(table.uri()), {}).ValueOrDie();
    EXPECT_EQ(manifest->version, table.version) << table.name;
  }
}

TEST(ReferenceTables, UnsupportedStorageVersionsSayWhatToDo) {
  std::set<std::string> seen;
  for (const ReferenceTable& table : AllReferenceTables().tables) {
    if (!table.refused()) continue;
    SCOPED_TRACE(table.name);
    ExpectError(ReadManifest(*OpenTable(table.uri()), {}).status(), ErrorKind::kUnsupported,
                table.storage_version == "0.1" ? "legacy (0.1) is not supported; rewrite"
                                               : "2.3 is unstable");
    seen.insert(table.storage_version);
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(GoldenTables, OldManifestNamesAreRead) {
  auto versions = ListVersions(*OpenTable(GoldenTable("names-v1").uri())).ValueOrDie();
  ASSERT_EQ(versions.size(), 3u);
  EXPECT_EQ(versions.back().path, "_versions/3.manifest");
}

/// Gives every truncation and every flipped bit of a whole file to `parse`; it must only survive.
void TortureWith(const std::string& whole, void (*parse)(std::span<const std::byte>)) {
  parse(AsBytes(whole));
  for (size_t size = 0; size < whole.size(); ++size) {
    std::vector<std::byte> cut(AsBytes(whole).begin(), AsBytes(whole).begin() + size);
    parse(cut);
  }
  std::vector<std::byte> bytes(AsBytes(whole).begin(), AsBytes(whole).end());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
    parse(bytes);
    bytes[bit / 8] ^= std::byte{1} << bit % 8;
  }
}

/// A manifest or deletion file of a golden table: the largest with this ending.
std::string LargestFile(const std::string& table, std::string_view extension) {
  std::filesystem::path largest;
  for (const auto& file : std::filesystem::recursive_directory_iterator(GoldenTable(table).uri())) {
    if (file.path().extension() != extension) continue;
    if (largest.empty() || file.file_size() > std::filesystem::file_size(largest))
      largest = file.path();
  }
  EXPECT_FALSE(largest.empty()) << table << "/*" << extension;
  return ReadWholeFile(largest);
}

TEST(GoldenTables, DamagedManifestsAreErrorsOrValues) {
  for (const char* name : {"stable-row-ids", "encodings-2.2", "mixed-2.0", "history-2.1"})
    TortureWith(LargestFile(name, ".manifest"), FuzzManifest);
}

TEST(GoldenTables, TruncatedManifestsAreErrors) {
  const std::string whole = LargestFile("stable-row-ids", ".manifest");
  ASSERT_TRUE(ParseManifest(AsBytes(whole), "m").ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseManifest(AsBytes(whole).first(size), "m").ok()) << size;
  }
}

TEST(GoldenTables, DamagedDeletionFilesAreErrorsOrValues) {
  TortureWith(LargestFile("history-2.2", ".arrow"), FuzzDeletionArrow);
  TortureWith(LargestFile("dense-deletions", ".bin"), FuzzDeletionBitmap);
}

TEST(GoldenTables, DamagedRowIdsAreErrorsOrValues) {
  auto manifest = ReadManifest(*OpenTable(GoldenTable("stable-row-ids").uri()), {}).ValueOrDie();
  ASSERT_FALSE(manifest->fragments.empty());
  for (const Fragment& fragment : manifest->fragments) {
    std::string seed(2, '\0');
    bytes::Store(reinterpret_cast<std::byte*>(seed.data()),
                 static_cast<uint16_t>(fragment.physical_rows));
    TortureWith(seed + fragment.inline_row_ids, FuzzRowIds);
  }
}

}  // namespace
}  // namespace pilum::dataset
