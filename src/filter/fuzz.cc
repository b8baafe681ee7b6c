#include "filter/fuzz.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <arrow/json/from_string.h>

#include "filter/filter.h"

namespace pilum::filter {
namespace {

constexpr size_t kMaxBytes = 4096;
constexpr int64_t kRows = 3;

// Four rows of each type, the last of them NULL; the batch is their slice from the second on.
class FuzzBatch {
 public:
  FuzzBatch() {
    using arrow::TimeUnit;
    Add("i", arrow::int64(), "[0, -7, 9223372036854775807, null]");
    Add("i8", arrow::int8(), "[0, -128, 127, null]");
    Add("u", arrow::uint64(), "[0, 18446744073709551615, 9223372036854775808, null]");
    Add("f", arrow::float64(), "[0.0, -1.5, 1e300, null]");
    Add("f32", arrow::float32(), "[NaN, -0.0, Inf, null]");
    Add("f16", arrow::float16(), "[0, 1.5, -2, null]");
    Add("p", arrow::decimal128(10, 2), R"(["0.00", "-2.25", "99999999.99", null])");
    Add("p38", arrow::decimal128(38, 20),
        R"(["0.00000000000000000001", "999999999999999999.99999999999999999999",
            "-4294967295.99999999999999999999", null])");
    Add("p76", arrow::decimal256(76, 0), R"(["1", "-99999999999999999999999999999999999999999",
        "9999999999999999999999999999999999999999999999999999999999999999999999999999", null])");
    Add("s", arrow::utf8(), R"(["", "cat", "é%_\\\n", null])");
    Add("n", arrow::large_utf8(), R"(["1e-400", "-12.345", "2020-01-31", null])");
    Add("x", arrow::binary(), R"(["", "a", "\u0000~", null])");
    Add("x2", arrow::fixed_size_binary(2), R"(["ab", "cd", "ab", null])");
    Add("b", arrow::boolean(), "[true, false, true, null]");
    Add("d", arrow::date32(), "[0, -1, 2147483647, null]");
    Add("t", arrow::timestamp(TimeUnit::MICRO, "UTC"), "[0, -1, 1577836800000000, null]");
    Add("ts", arrow::timestamp(TimeUnit::SECOND), "[0, -1, 9223372036854775807, null]");
    Add("h", arrow::time64(TimeUnit::NANO), "[0, 1, 86399999999999, null]");
    Add("l", arrow::list(arrow::int64()), "[[0, 1], [null], [], null]");
    Add("v", arrow::fixed_size_list(arrow::float32(), 2), "[[0, 1], [null, 2], [3, 4], null]");
    Add("st", arrow::struct_({arrow::field("a", arrow::int64()), arrow::field("b", arrow::utf8())}),
        R"([{"a": 1, "b": "x"}, {"a": null, "b": "y"}, {"a": 3, "b": null}, null])");
    Add("k", arrow::dictionary(arrow::int8(), arrow::utf8()), R"(["x", "y", "x", null])");
    for (const char* name : {"_rowid", "_rowaddr", "_rowoffset"}) {
      Add(name, arrow::uint64(), "[0, 1, 18446744073709551615, 3]");
    }
    batch_ = arrow::RecordBatch::Make(arrow::schema(fields_), kRows + 1, arrays_)->Slice(1);
  }

  const arrow::RecordBatch& batch() const { return *batch_; }

 private:
  void Add(const char* name, const std::shared_ptr<arrow::DataType>& type, const char* json) {
    fields_.push_back(arrow::field(name, type));
    arrays_.push_back(arrow::json::ArrayFromJSONString(type, json).ValueOrDie());
  }

  arrow::FieldVector fields_;
  arrow::ArrayVector arrays_;
  std::shared_ptr<arrow::RecordBatch> batch_;
};

void Require(bool sound) {
  if (!sound) std::abort();
}

void CheckValue(const Expression& expression, const arrow::RecordBatch& batch) {
  auto array = expression.Evaluate(batch);
  if (!array.ok()) return;
  Require((*array)->length() == kRows);
  Require((*array)->type()->Equals(*expression.type()));
  Require((*array)->ValidateFull().ok());
}

void CheckRows(const Expression& predicate, const arrow::RecordBatch& batch) {
  auto rows = predicate.Select(batch);
  if (!rows.ok()) return;
  Require(rows->size() <= kRows && (rows->empty() || rows->back() < kRows));
  Require(std::adjacent_find(rows->begin(), rows->end(), std::greater_equal<>()) == rows->end());
}

}  // namespace

void FuzzFilter(std::span<const std::byte> data) {
  static const FuzzBatch* const fuzzed = new FuzzBatch();
  const arrow::RecordBatch& batch = fuzzed->batch();
  std::string_view sql(reinterpret_cast<const char*>(data.data()),
                       std::min(data.size(), kMaxBytes));
  if (auto value = Expression::ParseValue(sql, *batch.schema()); value.ok()) {
    CheckValue(**value, batch);
  }
  if (auto predicate = Expression::ParsePredicate(sql, *batch.schema()); predicate.ok()) {
    CheckRows(**predicate, batch);
  }
}

}  // namespace pilum::filter
