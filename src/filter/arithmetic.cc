#include "filter/arithmetic.h"

#include <string>
#include <unordered_map>

#include <arrow/compute/cast.h>

#include "filter/coercion.h"
#include "filter/literal.h"

namespace pilum::filter {
namespace {

bool IsInteger(const TypePtr& type) { return arrow::is_integer(type->id()); }

arrow::Status RequireNumber(const SourceText& source, const Value& value, const std::string& what) {
  if (IsNumeric(value.type) || value.type->id() == arrow::Type::NA) return arrow::Status::OK();
  return source.ErrorAt(value.offset, what + " needs numbers, this is " + value.type->ToString());
}

// A literal beside a typed operand stays in that operand's kind: 2 beside a uint64 column, 255.0
// beside a float32 column, 1.5 beside a decimal that has it.
Value Adapt(const SourceText& source, const Value& value, const TypePtr& other) {
  if (value.literal == nullptr || value.literal->kind != NodeKind::kNumber) return value;
  const auto id = other->id();
  if (id != arrow::Type::UINT64 && id != arrow::Type::FLOAT && !arrow::is_decimal(id)) return value;
  auto coerced = Coerce(source, value, other);
  return coerced.ok() ? *coerced : value;
}

// The type both operands of `op` are computed in; null leaves decimals to Arrow's own rules.
TypePtr OperandType(char op, const TypePtr& left, const TypePtr& right) {
  if (IsFloating(left) || IsFloating(right)) {
    auto narrow = [](const TypePtr& type) {
      return type->id() == arrow::Type::FLOAT || IsInteger(type);
    };
    return narrow(left) && narrow(right) ? arrow::float32() : arrow::float64();
  }
  if (arrow::is_decimal(left->id()) || arrow::is_decimal(right->id())) return nullptr;
  const int unsigned_longs =
      (left->id() == arrow::Type::UINT64) + (right->id() == arrow::Type::UINT64);
  if (unsigned_longs == 0) return arrow::int64();
  return unsigned_longs == 2 && op != '-' ? arrow::uint64() : nullptr;
}

std::string KernelName(char op, bool floating) {
  switch (op) {
    case '+':
      return floating ? "add" : "add_checked";
    case '-':
      return floating ? "subtract" : "subtract_checked";
    case '*':
      return floating ? "multiply" : "multiply_checked";
    case '/':
      return floating ? "divide" : "divide_checked";
    default:
      return floating ? "remainder" : "remainder_checked";
  }
}

TypePtr SimpleType(const std::string& name) {
  static const auto* const kTypes = new std::unordered_map<std::string, TypePtr>{
      {"boolean", arrow::boolean()}, {"bool", arrow::boolean()},
      {"tinyint", arrow::int8()},    {"smallint", arrow::int16()},
      {"int2", arrow::int16()},      {"int", arrow::int32()},
      {"integer", arrow::int32()},   {"int4", arrow::int32()},
      {"bigint", arrow::int64()},    {"int8", arrow::int64()},
      {"float", arrow::float32()},   {"real", arrow::float32()},
      {"float4", arrow::float32()},  {"double", arrow::float64()},
      {"float8", arrow::float64()},  {"string", arrow::utf8()},
      {"text", arrow::utf8()},       {"varchar", arrow::utf8()},
      {"char", arrow::utf8()},       {"binary", arrow::binary()},
      {"bytea", arrow::binary()},    {"varbinary", arrow::binary()},
      {"date", arrow::date32()},     {"time", arrow::time64(arrow::TimeUnit::NANO)},
  };
  auto found = kTypes->find(name);
  return found == kTypes->end() ? nullptr : found->second;
}

arrow::Result<TypePtr> NamedType(const SourceText& source, uint32_t offset, const TypeName& name) {
  const std::vector<int>& numbers = name.parameters;
  if (name.name == "decimal" || name.name == "numeric") {
    const int precision = numbers.empty() ? 38 : numbers[0];
    const int scale = numbers.empty() ? 10 : numbers.size() > 1 ? numbers[1] : 0;
    if (precision < 1 || precision > 38 || scale < 0 || scale > precision || numbers.size() > 2) {
      return source.ErrorAt(
          offset,
          "decimal(precision, scale) takes 1 to 38 digits, of them up to all after the point");
    }
    return arrow::decimal128(precision, scale);
  }
  if (name.name == "timestamp") {
    const int digits = numbers.empty() ? 6 : numbers[0];
    if (numbers.size() > 1 || digits < 0 || digits > 9 || digits % 3 != 0) {
      return source.ErrorAt(offset, "timestamp(digits) takes 0, 3, 6 or 9");
    }
    constexpr arrow::TimeUnit::type kUnits[] = {arrow::TimeUnit::SECOND, arrow::TimeUnit::MILLI,
                                                arrow::TimeUnit::MICRO, arrow::TimeUnit::NANO};
    return arrow::timestamp(kUnits[digits / 3], name.with_time_zone ? "UTC" : "");
  }
  TypePtr type = SimpleType(name.name);
  if (type == nullptr || !numbers.empty()) {
    return source.ErrorAt(
        offset,
        "cannot cast to " + name.name + (type ? "(…)" : "") +
            "; types are boolean, tinyint, smallint, int, bigint, float, double, decimal(p, s), "
            "string, binary, date, time and timestamp");
  }
  return type;
}

}  // namespace

arrow::Result<Value> Arithmetic(const SourceText& source, uint32_t offset, char op,
                                const Value& left, const Value& right) {
  Value l = Plain(left), r = Plain(right);
  const std::string what = std::string("'") + op + "'";
  ARROW_RETURN_NOT_OK(RequireNumber(source, l, what));
  ARROW_RETURN_NOT_OK(RequireNumber(source, r, what));
  if (l.type->id() == arrow::Type::NA) l = NullValue(r.type, l.offset);
  if (r.type->id() == arrow::Type::NA) r = NullValue(l.type, r.offset);
  if (l.type->id() == arrow::Type::NA) return NullValue(arrow::int64(), offset);
  l = Adapt(source, l, r.type);
  r = Adapt(source, r, l.type);
  TypePtr type = OperandType(op, l.type, r.type);
  if (type == nullptr) {
    l = CastTo(l, DecimalOf(l.type));
    r = CastTo(r, DecimalOf(r.type));
  } else {
    l = CastTo(l, type);
    r = CastTo(r, type);
  }
  return MakeCall(source, offset, KernelName(op, type != nullptr && IsFloating(type)), {l, r});
}

arrow::Result<Value> Negate(const SourceText& source, uint32_t offset, const Value& value) {
  Value plain = Plain(value);
  ARROW_RETURN_NOT_OK(RequireNumber(source, plain, "'-'"));
  if (plain.type->id() == arrow::Type::NA) return NullValue(arrow::int64(), offset);
  if (IsFloating(plain.type)) return MakeCall(source, offset, "negate", {plain});
  if (plain.type->id() == arrow::Type::UINT64) {
    plain = CastTo(plain, DecimalOf(plain.type));
  } else if (IsInteger(plain.type)) {
    plain = CastTo(plain, arrow::int64());
  }
  return MakeCall(source, offset, "negate_checked", {plain});
}

arrow::Result<Value> CastToNamedType(const SourceText& source, uint32_t offset, const Value& value,
                                     const TypeName& name) {
  ARROW_ASSIGN_OR_RAISE(TypePtr type, NamedType(source, offset, name));
  Value plain = Plain(value);
  if (plain.type->id() == arrow::Type::NA) return NullValue(type, offset);
  auto options = std::make_shared<cp::CastOptions>(cp::CastOptions::Safe(type));
  // Fractions are cut off, values that do not fit stay errors; NaN fits no integer.
  if (IsFloating(plain.type) && IsInteger(type)) {
    ARROW_ASSIGN_OR_RAISE(plain, MakeCall(source, offset, "trunc", {plain}));
  }
  options->allow_float_truncate = IsFloating(type);
  options->allow_decimal_truncate = true;
  options->allow_time_truncate = true;
  return MakeCall(source, offset, "cast", {plain}, std::move(options));
}

}  // namespace pilum::filter
