#include "filter/arithmetic.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <arrow/compute/api_scalar.h>
#include <arrow/compute/cast.h>

#include "filter/coercion.h"

namespace pilum::filter {
namespace {

bool IsInteger(const TypePtr& type) { return arrow::is_integer(type->id()); }

arrow::Status RequireNumber(const SourceText& source, const Value& value, const std::string& what) {
  if (IsNumeric(value.type) || value.type->id() == arrow::Type::NA) return arrow::Status::OK();
  return source.ErrorAt(value.offset, what + " needs numbers, this is " + value.type->ToString());
}

// The decimal that a number is written as, with no fewer digits than an integer would have; null
// with an exponent or too many digits.
TypePtr WrittenDecimal(const std::string& number) {
  if (number.find_first_of("eE") != std::string::npos) return nullptr;
  const size_t point = std::min(number.find('.'), number.size() - 1);
  const auto scale = static_cast<int32_t>(number.size() - 1 - point);
  const auto digits = static_cast<int32_t>(
      std::count_if(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; }));
  if (digits > arrow::Decimal256::kMaxPrecision) return nullptr;
  return DecimalWith(std::max(digits, 19), scale);
}

// A literal beside a typed operand stays in that operand's kind: 2 beside a uint64 column, 255.0
// beside a float32 column, 1.5 beside a decimal.
Value Adapt(const SourceText& source, const Value& value, const TypePtr& other) {
  if (value.literal == nullptr || value.literal->kind != NodeKind::kNumber) return value;
  const auto id = other->id();
  TypePtr type = id == arrow::Type::UINT64 || id == arrow::Type::FLOAT ? other
                 : arrow::is_decimal(id) ? WrittenDecimal(value.literal->text)
                                         : nullptr;
  if (type == nullptr) return value;
  auto coerced = Coerce(source, value, type);
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

// With as many digits as Arrow's rules give the result, if 256 bits hold them.
arrow::Result<Value> DecimalArithmetic(const SourceText& source, uint32_t offset, char op,
                                       const Value& left, const Value& right) {
  auto wide = [](const Value& value) {
    const auto& decimal = static_cast<const arrow::DecimalType&>(*value.type);
    return CastTo(value, arrow::decimal256(decimal.precision(), decimal.scale()));
  };
  const std::string kernel = KernelName(op, /*floating=*/false);
  auto result = MakeCall(source, offset, kernel, {left, right});
  if (!result.ok()) result = MakeCall(source, offset, kernel, {wide(left), wide(right)});
  if (result.ok()) return result;
  return source.ErrorAt(offset, std::string("'") + op + "' of " + left.type->ToString() + " and " +
                                    right.type->ToString() +
                                    " has more than 76 digits; cast to fewer before");
}

// left op right, a quotient or remainder, of the type of `typed`.
Value DecimalQuotient(ProgramBuilder* program, char op, const Value& left, const Value& right,
                      const Value& typed) {
  auto decimal = [](const Value& value) -> const arrow::DecimalType& {
    return static_cast<const arrow::DecimalType&>(*value.type);
  };
  auto with_scale = [](const Value& value, int32_t scale) {
    return CastTo(value, arrow::decimal256(arrow::Decimal256::kMaxPrecision, scale)).expression;
  };
  const int32_t scale = decimal(typed).scale();
  const bool remainder = op == '%';
  const int32_t divisor_scale = remainder ? scale : decimal(right).scale();
  const int32_t dividend_scale = remainder ? scale : scale + divisor_scale;
  Value dividend{with_scale(left, dividend_scale),
                 arrow::decimal256(decimal(typed).precision(), scale), typed.offset};
  Division division{with_scale(right, divisor_scale), remainder};
  Value result = program->AddStep(std::move(dividend), std::nullopt, std::move(division));
  return CastTo(result, typed.type);
}

// `value` without its sign, as uint64.
cp::Expression Magnitude(const Value& value) {
  if (value.type->id() == arrow::Type::UINT64) return value.expression;
  cp::CastOptions wrap = cp::CastOptions::Safe(arrow::uint64());
  wrap.allow_int_overflow = true;  // the magnitude of the least int64 is no int64
  return cp::call("cast", {cp::call("abs", {value.expression})}, std::move(wrap));
}

// The quotient or remainder of a uint64 and another integer, whose results no 64-bit type holds.
Value DivideMixed(uint32_t offset, char op, Value left, Value right) {
  const bool left_signed = left.type->id() != arrow::Type::UINT64;
  Value& other = left_signed ? left : right;
  other = CastTo(other, arrow::int64());
  const cp::Expression magnitude = cp::call(op == '/' ? "divide_checked" : "remainder_checked",
                                            {Magnitude(left), Magnitude(right)});
  Value result = CastTo({magnitude, arrow::uint64(), offset}, arrow::decimal128(20, 0));
  if (op == '%' && !left_signed) return result;
  auto negative = cp::call("less", {other.expression, cp::literal(int64_t{0})});
  auto negated = cp::call("negate_checked", {result.expression});
  result.expression =
      cp::call("if_else", {std::move(negative), std::move(negated), result.expression});
  return result;
}

}  // namespace

arrow::Result<Value> Arithmetic(const SourceText& source, ProgramBuilder* program, uint32_t offset,
                                char op, const Value& left, const Value& right) {
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
  if (type != nullptr) {
    return MakeCall(source, offset, KernelName(op, IsFloating(type)),
                    {CastTo(l, type), CastTo(r, type)});
  }
  if (IsInteger(l.type) && IsInteger(r.type) && (op == '/' || op == '%')) {
    return DivideMixed(offset, op, std::move(l), std::move(r));
  }
  l = CastTo(l, DecimalOf(l.type));
  r = CastTo(r, DecimalOf(r.type));
  ARROW_ASSIGN_OR_RAISE(Value result, DecimalArithmetic(source, offset, op, l, r));
  return op == '/' || op == '%' ? DecimalQuotient(program, op, l, r, result) : result;
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

arrow::Result<Value> RoundDecimal(const SourceText& source, uint32_t offset, const Value& value,
                                  int32_t scale, cp::RoundMode mode) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(*value.type);
  int32_t precision = decimal.precision();
  if (decimal.scale() <= scale) return value;
  if (mode != cp::RoundMode::TOWARDS_ZERO) ++precision;  // 9.9 becomes 10
  if (precision > arrow::Decimal256::kMaxPrecision) {
    return source.ErrorAt(offset, "a decimal of 76 digits leaves no room to round");
  }
  // Arrow divides wrongly by some numbers beyond 32 bits, hence by 10^9 at most.
  constexpr int32_t kDigitsAtOnce = 9;
  Value rounded = CastTo(value, DecimalWith(precision, decimal.scale()));
  for (int32_t from = decimal.scale(), to; from > scale; from = to) {
    to = std::max(scale, from - kDigitsAtOnce);
    // Which way a half goes is up to the first digit that falls off: the others only need cutting.
    const bool cut = to > scale && mode == cp::RoundMode::HALF_TOWARDS_INFINITY;
    if (!cut) {
      ARROW_ASSIGN_OR_RAISE(rounded, MakeCall(source, offset, "round", {rounded},
                                              std::make_shared<cp::RoundOptions>(to, mode)));
    }
    auto options =
        std::make_shared<cp::CastOptions>(cp::CastOptions::Safe(DecimalWith(precision, to)));
    options->allow_decimal_truncate = true;
    ARROW_ASSIGN_OR_RAISE(rounded, MakeCall(source, offset, "cast", {rounded}, std::move(options)));
  }
  return rounded;
}

}  // namespace pilum::filter
