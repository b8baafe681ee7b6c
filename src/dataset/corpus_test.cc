// What this folder reads, against tables that the reference library wrote and the rows it read from
// them.
#include "dataset/corpus.h"

#include <set>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "dataset/deletion_file.h"
#include "dataset/fragment_rows.h"
#include "dataset/fuzz.h"
#include "dataset/manifest.h"
#include "dataset/row_id_index.h"
#include "rows/row_address.h"

namespace pilum::dataset {
namespace {

std::shared_ptr<ObjectStore> OpenTable(const std::filesystem::path& folder) {
  return OpenLocalStore(folder.string()).ValueOrDie();
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

TEST(Corpus, SchemasAreThoseOfTheRows) {
  PILUM_SKIP_WITHOUT_CORPUS();
  int compared = 0;
  for (const ExpectedVersion& entry : ExpectedVersions()) {
    auto manifest = ReadManifest(*OpenTable(entry.table), entry.version);
    ASSERT_TRUE(manifest.ok()) << entry.name << ": " << manifest.status().ToString();
    auto expected = ExpectedSchema(entry.expected);
    const arrow::Schema& actual = *(*manifest)->schema.arrow;
    EXPECT_TRUE(actual.Equals(*expected, /*check_metadata=*/true))
        << entry.name << ": read\n"
        << actual.ToString(true) << "\nexpected\n"
        << expected->ToString(true);
    ++compared;
  }
  EXPECT_GT(compared, 250);
}

/// Row ids and addresses of all live rows in scan order, and the index over the ids.
void CheckRows(const ExpectedVersion& entry) {
  auto store = OpenTable(entry.table);
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
  auto [expected_ids, expected_addresses] = ExpectedRows(entry.expected);
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

TEST(Corpus, LiveRowsAndTheirIdsAreThoseOfTheRows) {
  PILUM_SKIP_WITHOUT_CORPUS();
  for (const ExpectedVersion& entry : ExpectedVersions()) {
    SCOPED_TRACE(entry.name);
    CheckRows(entry);
  }
}

TEST(Corpus, TagsAreRead) {
  PILUM_SKIP_WITHOUT_CORPUS();
  auto tags = ListTags(*OpenTable(CorpusFolder() / "t-tags/dataset.lance")).ValueOrDie();
  ASSERT_EQ(tags.size(), 2u);
  EXPECT_EQ(tags[0].name, "latest-tag");
  EXPECT_EQ(tags[0].version, 5u);
  EXPECT_EQ(tags[0].manifest_size, 785u);
  EXPECT_EQ(tags[1].name, "v2tag");
  EXPECT_EQ(tags[1].version, 2u);
  EXPECT_EQ(tags[1].branch, "");
}

TEST(Corpus, OldManifestNamesAreRead) {
  PILUM_SKIP_WITHOUT_CORPUS();
  auto versions = ListVersions(*OpenTable(CorpusFolder() / "t-manifest-v1/dataset.lance"));
  ASSERT_EQ(versions->size(), 3u);
  EXPECT_EQ(versions->back().path, "_versions/3.manifest");
  auto manifest = ReadManifest(*OpenTable(CorpusFolder() / "t-manifest-v1/dataset.lance"), {});
  EXPECT_EQ((*manifest)->version, 3u);
}

TEST(Corpus, UnsupportedStorageVersionsSayWhatToDo) {
  PILUM_SKIP_WITHOUT_CORPUS();
  auto read = [](const char* name) {
    return ReadManifest(*OpenTable(CorpusFolder() / name / "dataset.lance"), {}).status();
  };
  ExpectError(read("v01-legacy"), ErrorKind::kUnsupported,
              "legacy (0.1) is not supported; rewrite");
  ExpectError(read("v23-unstable-basic"), ErrorKind::kUnsupported, "2.3 is unstable");
}

/// The bytes of the largest file with this ending below the corpus' tables `prefix`*.
std::string LargestFile(std::string_view prefix, std::string_view extension, size_t limit) {
  std::filesystem::path largest;
  size_t size = 0;
  for (const auto& folder : std::filesystem::directory_iterator(CorpusFolder())) {
    if (!folder.path().filename().string().starts_with(prefix)) continue;
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(folder.path() / "dataset.lance")) {
      if (file.path().extension() != extension || file.file_size() > limit) continue;
      if (file.file_size() > size) {
        largest = file.path();
        size = file.file_size();
      }
    }
  }
  EXPECT_GT(size, 0u) << prefix << "*" << extension;
  return ReadWholeFile(largest);
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

TEST(Corpus, DamagedManifestsAreErrorsOrValues) {
  PILUM_SKIP_WITHOUT_CORPUS();
  TortureWith(LargestFile("t-rowids", ".manifest", 4096), FuzzManifest);
  TortureWith(LargestFile("v22-map", ".manifest", 4096), FuzzManifest);
  TortureWith(LargestFile("v22-temporal", ".manifest", 4096), FuzzManifest);
}

TEST(Corpus, TruncatedManifestsAreErrors) {
  PILUM_SKIP_WITHOUT_CORPUS();
  const std::string whole = LargestFile("t-rowids", ".manifest", 4096);
  ASSERT_TRUE(ParseManifest(AsBytes(whole), "m").ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(ParseManifest(AsBytes(whole).first(size), "m").ok()) << size;
  }
}

TEST(Corpus, DamagedDeletionFilesAreErrorsOrValues) {
  PILUM_SKIP_WITHOUT_CORPUS();
  TortureWith(LargestFile("t22-delete", ".arrow", 4096), FuzzDeletionArrow);
  TortureWith(LargestFile("t22-delete", ".bin", 20'000), FuzzDeletionBitmap);
}

TEST(Corpus, DamagedRowIdsAreErrorsOrValues) {
  PILUM_SKIP_WITHOUT_CORPUS();
  auto store = OpenTable(CorpusFolder() / "t-rowids-unsorted/dataset.lance");
  auto manifest = ReadManifest(*store, {}).ValueOrDie();
  const Fragment& fragment = manifest->fragments.at(0);
  std::string seed(2, '\0');
  bytes::Store(reinterpret_cast<std::byte*>(seed.data()),
               static_cast<uint16_t>(fragment.physical_rows));
  TortureWith(seed + fragment.inline_row_ids, FuzzRowIds);
}

}  // namespace
}  // namespace pilum::dataset
