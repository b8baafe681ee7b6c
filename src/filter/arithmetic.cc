#include "filter/arithmetic.h"

#include <string>
#include <utility>

#include "filter/coercion.h"

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

arrow::Result<Value> RoundDecimal(const SourceText& source, uint32_t offset,
                                  const std::string& kernel, const Value& value,
                                  OptionsPtr options) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(*value.type);
  if (decimal.precision() == arrow::Decimal256::kMaxPrecision) {
    return source.ErrorAt(offset, "a decimal of 76 digits leaves no room to round");
  }
  // 9.9 becomes 10. Where that does not fit, Arrow's kernel gives 0 and may forget the error.
  Value wider = CastTo(value, DecimalWith(decimal.precision() + 1, decimal.scale()));
  return MakeCall(source, offset, kernel, {wider}, std::move(options));
}

}  // namespace pilum::filter
