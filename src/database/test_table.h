// Tables in memory for tests.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <gtest/gtest.h>

#include "pilum/database.h"

namespace pilum {

/// Column `a` counts from 0, column `b` is a % 3.
inline std::shared_ptr<arrow::RecordBatch> CountingRows(int64_t rows, int64_t first = 0) {
  arrow::Int64Builder a;
  arrow::Int64Builder b;
  for (int64_t i = first; i < first + rows; ++i) {
    EXPECT_TRUE(a.Append(i).ok());
    EXPECT_TRUE(b.Append(i % 3).ok());
  }
  const auto schema =
      arrow::schema({arrow::field("a", arrow::int64()), arrow::field("b", arrow::int64())});
  return arrow::RecordBatch::Make(schema, rows, {*a.Finish(), *b.Finish()});
}

inline std::shared_ptr<Table> MakeTable(std::shared_ptr<arrow::RecordBatchReader> rows,
                                        const WriteOptions& options = {}) {
  auto database = Connect("memory://").ValueOrDie();
  return database->CreateTable("rows", rows.get(), options).ValueOrDie();
}

inline std::shared_ptr<Table> MakeTable(std::shared_ptr<arrow::RecordBatch> rows,
                                        const WriteOptions& options = {}) {
  return MakeTable(arrow::RecordBatchReader::Make({std::move(rows)}).ValueOrDie(), options);
}

inline std::shared_ptr<const Snapshot> MakeSnapshot(std::shared_ptr<arrow::RecordBatch> rows,
                                                    const WriteOptions& options = {}) {
  return MakeTable(std::move(rows), options)->Latest().ValueOrDie();
}

/// The values of a column of 64-bit integers.
inline std::vector<uint64_t> Values(const arrow::RecordBatch& batch, const std::string& column) {
  const auto array = batch.GetColumnByName(column);
  const auto* values = array->data()->GetValues<uint64_t>(1);
  return {values, values + array->length()};
}

}  // namespace pilum
