// Tables as plain bytes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include <arrow/api.h>

#include "pilum/database.h"
#include "pilum/error.h"

namespace pilum {
namespace {

using ::testing::HasSubstr;

std::shared_ptr<arrow::RecordBatchReader> Rows(int64_t first, int64_t count) {
  arrow::Int64Builder builder;
  for (int64_t i = first; i < first + count; ++i) EXPECT_TRUE(builder.Append(i).ok());
  const auto schema = arrow::schema({arrow::field("a", arrow::int64())});
  return arrow::RecordBatchReader::Make(
             {arrow::RecordBatch::Make(schema, count, {*builder.Finish()})})
      .ValueOrDie();
}

std::shared_ptr<Table> MakeTable(const std::string& uri = "memory://") {
  auto database = Connect(uri).ValueOrDie();
  return database->CreateTable("numbers", Rows(0, 10).get()).ValueOrDie();
}

std::shared_ptr<Table> Copy(const Table& table) {
  return ImportTable("copy", "memory://copy", ExportTable(table).ValueOrDie()).ValueOrDie();
}

std::vector<int64_t> Content(const Snapshot& snapshot) {
  const auto rows = snapshot.Scan({.columns = {.with_row_id = true}}).ValueOrDie()->ToTable();
  const auto batch = (*rows)->CombineChunksToBatch().ValueOrDie();
  std::vector<int64_t> content;
  for (const auto& column : batch->columns()) {
    const auto* values = column->data()->GetValues<int64_t>(1);
    content.insert(content.end(), values, values + column->length());
  }
  return content;
}

TEST(TableContent, HasAllVersionsTagsAndRowIds) {
  const auto table = MakeTable();
  ASSERT_TRUE(table->Append(Rows(10, 5).get()).ok());
  ASSERT_TRUE(table->Delete("a % 4 = 0").ok());
  ASSERT_TRUE(table->CreateTag("first", 1).ok());
  const auto copy = Copy(*table);
  EXPECT_EQ(copy->name(), "copy");
  EXPECT_EQ(copy->uri(), "memory://copy");
  for (const VersionInfo& version : table->Versions().ValueOrDie()) {
    const auto snapshot = copy->OpenVersion(version.version).ValueOrDie();
    EXPECT_EQ(Content(*snapshot), Content(*table->OpenVersion(version.version).ValueOrDie()));
  }
  EXPECT_EQ(copy->Latest().ValueOrDie()->version(), 3u);
  EXPECT_EQ(copy->OpenTag("first").ValueOrDie()->version(), 1u);
}

TEST(TableContent, OfACopyIsTheSame) {
  const auto table = MakeTable();
  EXPECT_EQ(ExportTable(*Copy(*table)).ValueOrDie(), ExportTable(*table).ValueOrDie());
}

TEST(TableContent, IsACopy) {
  const auto table = MakeTable();
  const auto copy = Copy(*table);
  ASSERT_TRUE(copy->Append(Rows(10, 5).get()).ok());
  ASSERT_TRUE(table->Delete("a < 5").ok());
  EXPECT_EQ(copy->Latest().ValueOrDie()->CountRows().ValueOrDie(), 15u);
  EXPECT_EQ(table->Latest().ValueOrDie()->CountRows().ValueOrDie(), 5u);
}

TEST(TableContent, OfATableOnDisk) {
  std::string folder = ::testing::TempDir() + "pilum_table_content_XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const auto table = MakeTable(folder);
  EXPECT_EQ(Content(*Copy(*table)->Latest().ValueOrDie()), Content(*table->Latest().ValueOrDie()));
  std::filesystem::remove_all(folder);
}

TEST(TableContent, OfNoTableIsNotFound) {
  for (const TableContent& content : {TableContent{}, TableContent{{"data/stray", "bytes"}}}) {
    const auto table = ImportTable("lost", "memory://lost", content);
    ASSERT_FALSE(table.ok());
    EXPECT_EQ(GetErrorKind(table.status()), ErrorKind::kNotFound);
    EXPECT_THAT(table.status().message(), HasSubstr("lost"));
  }
}

}  // namespace
}  // namespace pilum
