#include "filter/fuzz.h"

#include <algorithm>
#include <string_view>

#include <arrow/api.h>

#include "filter/filter.h"

namespace pilum::filter {
namespace {

constexpr size_t kMaxBytes = 4096;

template <typename Builder, typename T>
std::shared_ptr<arrow::Array> ColumnOf(Builder&& builder, const std::vector<T>& values) {
  bool ok = builder.AppendValues(values).ok() && builder.AppendNull().ok();
  auto array = builder.Finish();
  return ok && array.ok() ? *array : nullptr;
}

std::shared_ptr<arrow::RecordBatch> MakeBatch() {
  auto ints = ColumnOf(arrow::Int64Builder(), std::vector<int64_t>{0, -7, INT64_MAX});
  auto floats = ColumnOf(arrow::DoubleBuilder(), std::vector<double>{0.0, -1.5, 1e300});
  auto strings = ColumnOf(arrow::StringBuilder(), std::vector<std::string>{"", "cat", "é%_"});
  auto flags = ColumnOf(arrow::BooleanBuilder(), std::vector<bool>{true, false, true});
  auto times = ColumnOf(arrow::TimestampBuilder(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                                arrow::default_memory_pool()),
                        std::vector<int64_t>{0, -1, 1577836800000000});
  auto ids = ColumnOf(arrow::UInt64Builder(), std::vector<uint64_t>{0, 1, UINT64_MAX});
  auto offsets = ColumnOf(arrow::Int32Builder(), std::vector<int32_t>{0, 2, 3, 3});
  auto lists = arrow::ListArray::FromArrays(*offsets->Slice(0, 4), *ints);
  auto structs = arrow::StructArray::Make({ints, strings}, std::vector<std::string>{"a", "b"});
  return arrow::RecordBatch::Make(
      arrow::schema(
          {arrow::field("i", ints->type()), arrow::field("f", floats->type()),
           arrow::field("s", strings->type()), arrow::field("b", flags->type()),
           arrow::field("t", times->type()), arrow::field("l", arrow::list(arrow::int64())),
           arrow::field("st", (*structs)->type()), arrow::field("_rowid", ids->type()),
           arrow::field("_rowaddr", ids->type()), arrow::field("_rowoffset", ids->type())}),
      3,
      {ints->Slice(0, 3), floats->Slice(1, 3), strings->Slice(1, 3), flags->Slice(1, 3),
       times->Slice(0, 3), *lists, (*structs)->Slice(1, 3), ids->Slice(0, 3), ids->Slice(0, 3),
       ids->Slice(0, 3)});
}

}  // namespace

void FuzzFilter(std::span<const std::byte> data) {
  static const std::shared_ptr<arrow::RecordBatch> batch = MakeBatch();
  std::string_view sql(reinterpret_cast<const char*>(data.data()),
                       std::min(data.size(), kMaxBytes));
  if (auto value = Expression::ParseValue(sql, *batch->schema()); value.ok()) {
    (void)(*value)->Evaluate(*batch);
  }
  if (auto predicate = Expression::ParsePredicate(sql, *batch->schema()); predicate.ok()) {
    (void)(*predicate)->Select(*batch);
  }
}

}  // namespace pilum::filter
