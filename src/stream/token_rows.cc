#include "stream/token_rows.h"

#include <algorithm>
#include <string>

#include <arrow/array.h>
#include <arrow/type_traits.h>

#include "pilum/error.h"

namespace pilum::stream {
namespace {

arrow::Status Invalid(std::string message) {
  return MakeError(ErrorKind::kInvalidArgument, std::move(message));
}

bool IsList(const arrow::DataType& type) {
  return type.id() == arrow::Type::LIST || type.id() == arrow::Type::LARGE_LIST ||
         type.id() == arrow::Type::FIXED_SIZE_LIST;
}

template <typename Lists>
std::shared_ptr<arrow::Array> ReadOffsets(const arrow::Array& array,
                                          std::vector<int64_t>* offsets) {
  const auto& lists = static_cast<const Lists&>(array);
  for (size_t row = 0; row < offsets->size(); ++row)
    (*offsets)[row] = lists.value_offset(static_cast<int64_t>(row));
  return lists.values();
}

template <typename T>
void CopyTokens(const arrow::ArrayData& values, int64_t first, int64_t count, int64_t* out) {
  std::copy_n(values.GetValues<T>(1) + first, count, out);
}

auto CopyOf(arrow::Type::type type) {
  switch (type) {
    case arrow::Type::INT8:
      return CopyTokens<int8_t>;
    case arrow::Type::UINT8:
      return CopyTokens<uint8_t>;
    case arrow::Type::INT16:
      return CopyTokens<int16_t>;
    case arrow::Type::UINT16:
      return CopyTokens<uint16_t>;
    case arrow::Type::INT32:
      return CopyTokens<int32_t>;
    case arrow::Type::UINT32:
      return CopyTokens<uint32_t>;
    default:  // those of 64 bits are the same, as far as int64 has them
      return CopyTokens<int64_t>;
  }
}

}  // namespace

arrow::Status CheckTokens(const arrow::Schema& schema) {
  if (schema.num_fields() != 1)
    return Invalid("packing needs one column, not " + std::to_string(schema.num_fields()));
  const arrow::Field& column = *schema.field(0);
  if (IsList(*column.type()) && arrow::is_integer(column.type()->field(0)->type()->id()))
    return arrow::Status::OK();
  return Invalid("column '" + column.name() + "' is " + column.type()->ToString() +
                 ": packing needs lists of integers");
}

TokenRows::TokenRows(const arrow::RecordBatch& batch)
    : lists_(batch.column(0)), offsets_(static_cast<size_t>(batch.num_rows()) + 1) {
  switch (lists_->type_id()) {
    case arrow::Type::LIST:
      values_ = ReadOffsets<arrow::ListArray>(*lists_, &offsets_);
      break;
    case arrow::Type::LARGE_LIST:
      values_ = ReadOffsets<arrow::LargeListArray>(*lists_, &offsets_);
      break;
    default:
      values_ = ReadOffsets<arrow::FixedSizeListArray>(*lists_, &offsets_);
  }
  copy_ = CopyOf(values_->type_id());
  suspect_ = lists_->null_count() > 0 || values_->null_count() > 0 ||
             values_->type_id() == arrow::Type::UINT64;
}

arrow::Status TokenRows::CheckEach(int64_t row, uint64_t first, uint64_t count) const {
  if (lists_->IsNull(row)) return Invalid("a null list: packing does not support null");
  const int64_t begin = offsets_[row] + static_cast<int64_t>(first);
  const int64_t end = begin + static_cast<int64_t>(count);
  for (int64_t i = begin; i < end; ++i)
    if (values_->IsNull(i)) return Invalid("a null token: packing does not support null");
  if (values_->type_id() != arrow::Type::UINT64) return arrow::Status::OK();
  const auto* tokens = values_->data()->GetValues<int64_t>(1);
  if (std::any_of(tokens + begin, tokens + end, [](int64_t token) { return token < 0; }))
    return Invalid("a token above int64");
  return arrow::Status::OK();
}

}  // namespace pilum::stream
