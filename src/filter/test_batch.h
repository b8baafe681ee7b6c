// The batch that the tests of filters run on.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <arrow/util/float16.h>
#include <gtest/gtest.h>

#include "filter/filter.h"

namespace pilum::filter {

using Rows = std::vector<uint32_t>;

// Six rows with every type; row 3 is NULL everywhere.
class TestBatch {
 public:
  TestBatch() {
    Add("i8", arrow::int8(), "[1, -128, 127, null, 0, 5]");
    Add("i32", arrow::int32(), "[10, -3, 7, null, 0, 2147483647]");
    Add("i64", arrow::int64(), "[1, 2, 3, null, -7, 9223372036854775807]");
    Add("u8", arrow::uint8(), "[0, 255, 3, null, 7, 100]");
    Add("u64", arrow::uint64(), "[0, 18446744073709551615, 3, null, 7, 9223372036854775808]");
    AddHalfFloats();
    Add("f32", arrow::float32(), "[0.1, NaN, -0.0, null, Inf, 2.5]");
    Add("f64", arrow::float64(), "[0.1, NaN, -0.0, null, -Inf, 0.0]");
    Add("s", arrow::utf8(), R"(["cat", "Dog", "50% off", null, "", "caterpillar"])");
    Add("ls", arrow::large_utf8(), R"(["a", "b", "c_d", null, "é", "naïve"])");
    Add("bin", arrow::binary(), R"(["a", "\u0000~", "abc", null, "", "b"])");
    Add("fsb", arrow::fixed_size_binary(2), R"(["ab", "cd", "ab", null, "ef", "zz"])");
    Add("b", arrow::boolean(), "[true, false, true, null, false, true]");
    Add("d", arrow::date32(), "[18262, -1, 19782, null, 0, 18414]");
    Add("ts", arrow::timestamp(arrow::TimeUnit::MICRO), kInstants);
    Add("tz", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), kInstants);
    Add("paris", arrow::timestamp(arrow::TimeUnit::MICRO, "Europe/Paris"), kInstants);
    Add("tss", arrow::timestamp(arrow::TimeUnit::SECOND), "[0, 1, 1577836800, null, -1, 5]");
    Add("t", arrow::time32(arrow::TimeUnit::SECOND), "[0, 43200, 43201, null, 1, 86399]");
    Add("dec", arrow::decimal128(10, 2),
        R"(["1.50", "-2.25", "0.00", null, "99999999.99", "1.51"])");
    Add("l", arrow::list(arrow::int64()), "[[1, 2], [], [3, null], null, [5], [null]]");
    Add("lstr", arrow::large_list(arrow::utf8()),
        R"([["a", "b"], [], ["c", null], null, ["cat"], [null]])");
    Add("fsl", arrow::fixed_size_list(arrow::float32(), 2),
        "[[1, 2], [3, 4], [5, 6], null, [7, 8], [0.1, 0]]");
    auto y = arrow::struct_({arrow::field("z", arrow::utf8())});
    Add("st", arrow::struct_({arrow::field("x", arrow::int64()), arrow::field("Y", y)}),
        R"([{"x": 1, "Y": {"z": "p"}}, {"x": null, "Y": null}, {"x": 3, "Y": {"z": null}}, null,
            {"x": 5, "Y": {"z": "q"}}, {"x": 6, "Y": {"z": "r"}}])");
    AddArray("dict",
             arrow::json::DictArrayFromJSONString(arrow::dictionary(arrow::int32(), arrow::utf8()),
                                                  "[0, 1, 0, null, 2, 1]", R"(["x", "y", "z"])")
                 .ValueOrDie());
    Add("Mixed", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("Case", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("CASE2", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("case2", arrow::int64(), "[6, 5, 4, null, 2, 1]");
    Add("with space", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    Add("order", arrow::int64(), "[1, 2, 3, null, 5, 6]");
    schema_ = arrow::schema(fields_);
    for (const char* name : {"_rowid", "_rowaddr", "_rowoffset"}) {
      Add(name, arrow::uint64(), "[0, 1, 2, 3, 4, 5]");
    }
    batch_ = arrow::RecordBatch::Make(arrow::schema(fields_), 6, arrays_);
  }

  const arrow::Schema& schema() const { return *schema_; }
  const arrow::RecordBatch& batch() const { return *batch_; }

 private:
  static constexpr const char* kInstants =
      "[1577836800000000, -1, 1577881800000000, null, 0, 1709168523000004]";

  void AddArray(const std::string& name, std::shared_ptr<arrow::Array> array) {
    fields_.push_back(arrow::field(name, array->type()));
    arrays_.push_back(std::move(array));
  }
  void Add(const std::string& name, const std::shared_ptr<arrow::DataType>& type,
           const std::string& json) {
    AddArray(name, arrow::json::ArrayFromJSONString(type, json).ValueOrDie());
  }
  void AddHalfFloats() {
    arrow::HalfFloatBuilder builder;
    for (float value : {1.5f, std::numeric_limits<float>::quiet_NaN(), -2.0f}) {
      ASSERT_TRUE(builder.Append(arrow::util::Float16::FromFloat(value).bits()).ok());
    }
    ASSERT_TRUE(builder.AppendNull().ok());
    for (float value : {0.1f, 3.0f}) {
      ASSERT_TRUE(builder.Append(arrow::util::Float16::FromFloat(value).bits()).ok());
    }
    AddArray("f16", builder.Finish().ValueOrDie());
  }

  arrow::FieldVector fields_;
  arrow::ArrayVector arrays_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::RecordBatch> batch_;
};

inline const TestBatch& Data() {
  static const TestBatch* const data = new TestBatch();
  return *data;
}

inline arrow::Result<Rows> Select(const std::string& sql) {
  ARROW_ASSIGN_OR_RAISE(auto filter, Expression::ParsePredicate(sql, Data().schema()));
  return filter->Select(Data().batch());
}

}  // namespace pilum::filter
