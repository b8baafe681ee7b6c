// Every version of every reference table reads back equal to what the reference library read:
// scans, and takes in any order.
#include <gtest/gtest.h>

#include <random>

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/extension_type.h>
#include <arrow/ipc/reader.h>

#include "dataset/reference_tables.h"
#include "pilum/storage.h"
#include "table/lance_table.h"

namespace pilum {
namespace {

using dataset::ExpectedVersion;

std::shared_ptr<arrow::ChunkedArray> Plain(std::shared_ptr<arrow::ChunkedArray> column) {
  if (column->type()->id() == arrow::Type::EXTENSION) {
    arrow::ArrayVector chunks;
    for (const auto& chunk : column->chunks()) {
      chunks.push_back(static_cast<const arrow::ExtensionArray&>(*chunk).storage());
    }
    const auto& type = static_cast<const arrow::ExtensionType&>(*column->type());
    column = std::make_shared<arrow::ChunkedArray>(std::move(chunks), type.storage_type());
  }
  if (column->type()->id() == arrow::Type::DICTIONARY) {
    const auto& type = static_cast<const arrow::DictionaryType&>(*column->type());
    return arrow::compute::Cast(column, type.value_type()).ValueOrDie().chunked_array();
  }
  return column;
}

void ExpectEqual(const arrow::Table& actual, const arrow::Table& expected) {
  ASSERT_EQ(actual.num_rows(), expected.num_rows());
  ASSERT_EQ(actual.num_columns(), expected.num_columns());
  ASSERT_TRUE(actual.ValidateFull().ok()) << actual.ValidateFull();
  for (int i = 0; i < expected.num_columns(); ++i) {
    const std::string name = expected.field(i)->name();
    auto want = Plain(expected.column(i));
    auto have = Plain(actual.column(i));
    EXPECT_TRUE(want->type()->Equals(*have->type())) << name << ": " << have->type()->ToString();
    EXPECT_TRUE(have->Equals(*want, arrow::EqualOptions::Defaults().nans_equal(true))) << name;
  }
}

std::shared_ptr<arrow::Table> ReadExpected(const ExpectedVersion& entry) {
  return dataset::OpenArrowFile(entry.rows)->ToTable().ValueOrDie();
}

std::shared_ptr<const Snapshot> Open(const ExpectedVersion& entry) {
  auto table =
      table::LanceTable::Open(OpenLocalStore(entry.uri).ValueOrDie(), "reference", entry.uri)
          .ValueOrDie();
  return (entry.version ? table->OpenVersion(*entry.version) : table->Latest()).ValueOrDie();
}

void CheckScans(const ExpectedVersion& entry) {
  const auto expected = ReadExpected(entry);
  const auto snapshot = Open(entry);
  for (int64_t batch_size : {0, 7, 1024}) {
    SCOPED_TRACE(batch_size);
    auto stream = snapshot->Scan(
        {.columns = {.with_row_id = true, .with_row_address = true}, .batch_size = batch_size});
    ASSERT_TRUE(stream.ok()) << stream.status();
    auto table = (*stream)->ToTable();
    ASSERT_TRUE(table.ok()) << table.status();
    ExpectEqual(**table, *expected);
  }
}

void CheckTakes(const ExpectedVersion& entry, std::mt19937* random) {
  const auto expected = ReadExpected(entry);
  if (expected->num_rows() == 0) return;
  const auto snapshot = Open(entry);
  std::uniform_int_distribution<int64_t> row(0, expected->num_rows() - 1);
  for (size_t n : {1, 5, 5, 5, 5, 100}) {  // chunks that few rows come from again are kept
    std::vector<uint64_t> offsets(n);
    arrow::Int64Builder builder;
    for (auto& offset : offsets) {
      offset = static_cast<uint64_t>(row(*random));
      ASSERT_TRUE(builder.Append(static_cast<int64_t>(offset)).ok());
    }
    auto batch =
        snapshot->Take(offsets, RowKey::kOffset, {.with_row_id = true, .with_row_address = true});
    ASSERT_TRUE(batch.ok()) << batch.status();
    auto table = arrow::Table::FromRecordBatches({*batch}).ValueOrDie();
    auto indices = builder.Finish().ValueOrDie();
    for (int i = 0; i < expected->num_columns(); ++i) {
      auto want =
          arrow::compute::Take(Plain(expected->column(i)), indices).ValueOrDie().chunked_array();
      EXPECT_TRUE(
          Plain(table->column(i))->Equals(*want, arrow::EqualOptions::Defaults().nans_equal(true)))
          << expected->field(i)->name();
    }
  }
}

TEST(ReferenceTables, ScansEqualTheExpectedRows) {
  for (const ExpectedVersion& entry : dataset::AllReferenceTables().versions) {
    SCOPED_TRACE(entry.name);
    CheckScans(entry);
  }
}

TEST(ReferenceTables, TakesEqualTheExpectedRows) {
  std::mt19937 random(7);
  for (const ExpectedVersion& entry : dataset::AllReferenceTables().versions) {
    SCOPED_TRACE(entry.name);
    CheckTakes(entry, &random);
  }
}

}  // namespace
}  // namespace pilum
