#include "filter/program.h"

#include <utility>

#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/exec.h>

#include "filter/decimal_division.h"
#include "filter/source_text.h"
#include "pilum/error.h"

namespace pilum::filter {
namespace {

std::string Dotted(const std::vector<std::string>& path) {
  std::string dotted;
  for (const std::string& name : path) dotted += (dotted.empty() ? "" : ".") + name;
  return dotted;
}

arrow::Result<std::shared_ptr<arrow::Array>> ReadInput(const Input& input,
                                                       const arrow::RecordBatch& batch) {
  std::shared_ptr<arrow::Array> array = batch.GetColumnByName(input.path[0]);
  for (size_t depth = 1; array != nullptr && depth < input.path.size(); ++depth) {
    const auto* parent = dynamic_cast<const arrow::StructArray*>(array.get());
    int index = parent == nullptr ? -1 : parent->struct_type()->GetFieldIndex(input.path[depth]);
    if (index < 0) {
      array = nullptr;
    } else {
      ARROW_ASSIGN_OR_RAISE(array, parent->GetFlattenedField(index));
    }
  }
  std::string problem;
  if (array == nullptr) {
    problem = "the batch lacks the filter's column " + Dotted(input.path);
  } else if (!array->type()->Equals(*input.type)) {
    problem = "the filter was bound to " + input.type->ToString() + ", the batch has " +
              array->type()->ToString();
  } else {
    return array;
  }
  ErrorWhere where;
  where.column = Dotted(input.path);
  return MakeError(ErrorKind::kInvalidArgument, std::move(problem), std::move(where));
}

arrow::Result<std::shared_ptr<arrow::Array>> ToArray(const arrow::Datum& datum, int64_t length) {
  if (datum.is_scalar()) return arrow::MakeArrayFromScalar(*datum.scalar(), length);
  if (datum.is_array()) return datum.make_array();
  return arrow::Concatenate(datum.chunked_array()->chunks());
}

// Offsets of list `i` in the values, whatever kind of list.
struct ListView {
  std::shared_ptr<arrow::Array> lists;
  std::shared_ptr<arrow::Array> values;

  int64_t Offset(int64_t i) const {
    switch (lists->type_id()) {
      case arrow::Type::LIST:
        return static_cast<const arrow::ListArray&>(*lists).value_offset(i);
      case arrow::Type::LARGE_LIST:
        return static_cast<const arrow::LargeListArray&>(*lists).value_offset(i);
      default:
        return static_cast<const arrow::FixedSizeListArray&>(*lists).value_offset(i);
    }
  }
};

std::shared_ptr<arrow::Array> ListValues(const arrow::Array& lists) {
  switch (lists.type_id()) {
    case arrow::Type::LIST:
      return static_cast<const arrow::ListArray&>(lists).values();
    case arrow::Type::LARGE_LIST:
      return static_cast<const arrow::LargeListArray&>(lists).values();
    default:
      return static_cast<const arrow::FixedSizeListArray&>(lists).values();
  }
}

// For each element of `view` from `begin` to `end`, the needle of its list.
arrow::Result<arrow::Datum> SpreadNeedles(const ListView& view, const arrow::Datum& needles,
                                          int64_t begin, int64_t end) {
  if (needles.is_scalar()) return needles;
  arrow::Int64Builder rows;
  ARROW_RETURN_NOT_OK(rows.Reserve(end - begin));
  for (int64_t i = 0; i < view.lists->length(); ++i) {
    for (int64_t n = view.Offset(i + 1) - view.Offset(i); n > 0; --n) rows.UnsafeAppend(i);
  }
  ARROW_ASSIGN_OR_RAISE(auto indices, rows.Finish());
  return cp::Take(needles, indices, cp::TakeOptions::NoBoundsCheck());
}

arrow::Result<arrow::Datum> RunMembership(const Membership& membership, const arrow::Datum& lists,
                                          const cp::ExecBatch& inputs) {
  ListView view;
  ARROW_ASSIGN_OR_RAISE(view.lists, ToArray(lists, inputs.length));
  view.values = ListValues(*view.lists);
  const int64_t rows = view.lists->length();
  const int64_t begin = rows == 0 ? 0 : view.Offset(0);
  const int64_t end = rows == 0 ? 0 : view.Offset(rows);

  arrow::Datum needles = arrow::MakeNullScalar(membership.element_schema.field(1)->type());
  cp::ExecBatch elements({view.values->Slice(begin, end - begin), needles}, end - begin);
  if (membership.needle) {
    ARROW_ASSIGN_OR_RAISE(needles, cp::ExecuteScalarExpression(*membership.needle, inputs));
    ARROW_ASSIGN_OR_RAISE(elements.values[1], SpreadNeedles(view, needles, begin, end));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::Datum equal,
                        cp::ExecuteScalarExpression(membership.equal, elements));
  ARROW_ASSIGN_OR_RAISE(auto equal_array, ToArray(equal, end - begin));
  const auto& hits = static_cast<const arrow::BooleanArray&>(*equal_array);

  std::shared_ptr<arrow::Array> needle_array;
  if (membership.needle) {
    ARROW_ASSIGN_OR_RAISE(needle_array, ToArray(needles, rows));
  }
  arrow::BooleanBuilder result;
  ARROW_RETURN_NOT_OK(result.Reserve(rows));
  for (int64_t i = 0; i < rows; ++i) {
    if (view.lists->IsNull(i) || (needle_array != nullptr && needle_array->IsNull(i))) {
      result.UnsafeAppendNull();
      continue;
    }
    bool found = false;
    for (int64_t at = view.Offset(i); !found && at < view.Offset(i + 1); ++at) {
      found = hits.IsValid(at - begin) && hits.Value(at - begin);
    }
    result.UnsafeAppend(found);
  }
  ARROW_ASSIGN_OR_RAISE(auto array, result.Finish());
  return arrow::Datum(array);
}

arrow::Result<arrow::Datum> RunDivision(const Step& step, const arrow::Datum& dividends,
                                        const cp::ExecBatch& columns) {
  ARROW_ASSIGN_OR_RAISE(arrow::Datum divisors,
                        cp::ExecuteScalarExpression(step.division->divisor, columns));
  ARROW_ASSIGN_OR_RAISE(auto left, ToArray(dividends, columns.length));
  ARROW_ASSIGN_OR_RAISE(auto right, ToArray(divisors, columns.length));
  ARROW_ASSIGN_OR_RAISE(auto result,
                        DivideDecimals(static_cast<const arrow::Decimal256Array&>(*left),
                                       static_cast<const arrow::Decimal256Array&>(*right),
                                       step.division->remainder, step.type));
  return arrow::Datum(result);
}

arrow::Result<arrow::Datum> RunStep(const Step& step, const cp::ExecBatch& columns) {
  ARROW_ASSIGN_OR_RAISE(arrow::Datum value, cp::ExecuteScalarExpression(step.expression, columns));
  if (step.membership) {
    ARROW_ASSIGN_OR_RAISE(value, RunMembership(*step.membership, value, columns));
  }
  if (step.division) {
    ARROW_ASSIGN_OR_RAISE(value, RunDivision(step, value, columns));
  }
  if (value.is_chunked_array()) {
    ARROW_ASSIGN_OR_RAISE(value, ToArray(value, columns.length));
  }
  return value;
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Array>> Run(const Program& program,
                                                 const arrow::RecordBatch& batch) {
  cp::ExecBatch columns({}, batch.num_rows());
  columns.values.reserve(program.inputs.size() + program.steps.size());
  for (const Input& input : program.inputs) {
    ARROW_ASSIGN_OR_RAISE(auto array, ReadInput(input, batch));
    columns.values.emplace_back(std::move(array));
  }
  for (const Step& step : program.steps) {
    auto value = RunStep(step, columns);
    if (!value.ok()) {
      return value.status().WithMessage(MessageAt(step.position, value.status().message()));
    }
    columns.values.push_back(*std::move(value));
  }
  return ToArray(columns.values.back(), columns.length);
}

}  // namespace pilum::filter
