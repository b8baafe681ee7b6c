#include "write/conform.h"

#include <string>
#include <utility>
#include <vector>

#include <arrow/array/array_nested.h>
#include <arrow/array/util.h>
#include <arrow/compute/api_scalar.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/exec.h>
#include <arrow/extension_type.h>
#include <arrow/type_traits.h>

#include "pilum/error.h"

namespace pilum::write {
namespace {

using arrow::Result;
using arrow::Status;

/// The values of blobs that are given as structs of the type lance.blob.v2.
Result<std::shared_ptr<arrow::Array>> BlobData(const arrow::StructArray& blobs,
                                               arrow::MemoryPool* pool) {
  const auto& type = static_cast<const arrow::StructType&>(*blobs.type());
  const int data = type.GetFieldIndex("data"), uri = type.GetFieldIndex("uri");
  if (data < 0 || type.field(data)->type()->id() != arrow::Type::LARGE_BINARY) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "blobs are large_binary or of the type lance.blob.v2, not " + type.ToString());
  }
  if (uri >= 0) {
    ARROW_ASSIGN_OR_RAISE(auto uris, blobs.GetFlattenedField(uri, pool));
    if (uris->null_count() < uris->length())
      return MakeError(ErrorKind::kUnsupported, "blobs outside the table cannot be written");
  }
  return blobs.GetFlattenedField(data, pool);
}

Result<std::shared_ptr<arrow::Array>> CastTo(const std::shared_ptr<arrow::Array>& array,
                                             const std::shared_ptr<arrow::DataType>& type,
                                             arrow::MemoryPool* pool) {
  if (array->type()->Equals(*type)) return array;
  if (array->type()->id() == arrow::Type::EXTENSION)
    return CastTo(static_cast<const arrow::ExtensionArray&>(*array).storage(), type, pool);
  if (array->type()->id() == arrow::Type::STRUCT && type->id() == arrow::Type::LARGE_BINARY)
    return BlobData(static_cast<const arrow::StructArray&>(*array), pool);
  if (arrow::is_integer(array->type_id()) && arrow::is_decimal(type->id()) &&
      !type->Equals(*arrow::decimal256(20, 0))) {
    // All digits first: whether they fit is then told by the values, not by their type.
    ARROW_ASSIGN_OR_RAISE(auto digits, CastTo(array, arrow::decimal256(20, 0), pool));
    return CastTo(digits, type, pool);
  }
  arrow::compute::ExecContext context(pool);
  auto cast = arrow::compute::Cast(*array, type, arrow::compute::CastOptions::Safe(), &context);
  if (cast.ok()) return cast;
  return MakeError(ErrorKind::kInvalidArgument,
                   "values of type " + array->type()->ToString() + " do not fit the table's type " +
                       type->ToString() + ": " + cast.status().message());
}

Result<std::shared_ptr<arrow::Array>> ColumnFor(const arrow::RecordBatch& batch,
                                                const arrow::Field& field,
                                                arrow::MemoryPool* pool) {
  const auto column = batch.GetColumnByName(field.name());
  if (!column) return arrow::MakeArrayOfNull(field.type(), batch.num_rows(), pool);
  ARROW_ASSIGN_OR_RAISE(auto cast, CastTo(column, field.type(), pool));
  if (!field.nullable() && cast->null_count() > 0) {
    return MakeError(ErrorKind::kInvalidArgument,
                     std::to_string(cast->null_count()) + " of " + std::to_string(cast->length()) +
                         " values are null, but the column is not nullable");
  }
  return cast;
}

}  // namespace

Status CheckColumns(const arrow::Schema& from, const arrow::Schema& to) {
  for (const auto& field : from.fields()) {
    if (from.GetAllFieldIndices(field->name()).size() > 1)
      return MakeError(ErrorKind::kInvalidArgument,
                       "the data has several columns of the name '" + field->name() + "'");
    if (!to.GetFieldByName(field->name())) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "field '" + field->name() + "' does not exist in table schema");
    }
  }
  for (const auto& field : to.fields()) {
    if (field->nullable() || from.GetFieldByName(field->name())) continue;
    return MakeError(ErrorKind::kInvalidArgument,
                     "the data lacks the column '" + field->name() + "', which is not nullable");
  }
  return Status::OK();
}

Result<std::shared_ptr<arrow::RecordBatch>> Conform(const arrow::RecordBatch& batch,
                                                    const std::shared_ptr<arrow::Schema>& to,
                                                    arrow::MemoryPool* pool) {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (const auto& field : to->fields()) {
    auto column = ColumnFor(batch, *field, pool);
    if (!column.ok()) return WithContext(column.status(), {.column = field->name()});
    columns.push_back(*std::move(column));
  }
  return arrow::RecordBatch::Make(to, batch.num_rows(), std::move(columns));
}

}  // namespace pilum::write
