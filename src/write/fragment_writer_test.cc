#include "write/fragment_writer.h"

#include <gtest/gtest.h>

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include "dataset/schema_write.h"
#include "pilum/error.h"

namespace pilum::write {
namespace {

std::shared_ptr<arrow::Table> TableOf(const std::shared_ptr<arrow::Array>& values) {
  auto field = arrow::field("values", values->type());
  return arrow::Table::Make(arrow::schema({field}), {values});
}

TEST(FragmentWriter, FragmentsEndAfterTheirMostRows) {
  auto values = arrow::json::ArrayFromJSONString(arrow::int32(), "[1,2,3,4,5,6,7]").ValueOrDie();
  auto table = TableOf(values);
  arrow::TableBatchReader rows(*table);
  auto schema =
      dataset::SchemaFromArrow(*table->schema(), dataset::FileVersion::kV2_2).ValueOrDie();
  auto store = MakeMemoryStore();
  auto fragments =
      WriteFragments(store, schema, dataset::FileVersion::kV2_2, {.max_rows_per_file = 3}, &rows)
          .ValueOrDie();
  ASSERT_EQ(fragments.size(), 3u);
  EXPECT_EQ(fragments[0].physical_rows, 3u);
  EXPECT_EQ(fragments[2].physical_rows, 1u);
  EXPECT_EQ(fragments[0].files[0].fields, std::vector<int32_t>{0});
  EXPECT_EQ(store->List("data").ValueOrDie().size(), 3u);
}

TEST(FragmentWriter, ErrorsLeaveNoFile) {
  auto values = arrow::json::ArrayFromJSONString(arrow::int32(), "[1,2,null,4]").ValueOrDie();
  auto table = TableOf(values);
  arrow::TableBatchReader rows(*table);
  rows.set_chunksize(1);
  auto schema =
      dataset::SchemaFromArrow(*arrow::schema({arrow::field("values", arrow::int32(), false)}),
                               dataset::FileVersion::kV2_2)
          .ValueOrDie();
  auto store = MakeMemoryStore();
  auto fragments =
      WriteFragments(store, schema, dataset::FileVersion::kV2_2, {.max_rows_per_file = 1}, &rows);
  EXPECT_EQ(GetErrorKind(fragments.status()), ErrorKind::kInvalidArgument);
  EXPECT_NE(fragments.status().message().find("values"), std::string::npos) << fragments.status();
  EXPECT_TRUE(store->List("data").ValueOrDie().empty());
}

}  // namespace
}  // namespace pilum::write
