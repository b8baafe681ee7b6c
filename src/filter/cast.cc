#include "filter/cast.h"

#include <algorithm>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include <arrow/compute/api_scalar.h>
#include <arrow/compute/cast.h>

#include "filter/arithmetic.h"
#include "filter/coercion.h"

namespace pilum::filter {
namespace {

TypePtr SimpleType(const std::string& name) {
  static const auto* const kTypes = new std::unordered_map<std::string, TypePtr>{
      {"boolean", arrow::boolean()},
      {"bool", arrow::boolean()},
      {"tinyint", arrow::int8()},
      {"smallint", arrow::int16()},
      {"int2", arrow::int16()},
      {"int", arrow::int32()},
      {"integer", arrow::int32()},
      {"int4", arrow::int32()},
      {"bigint", arrow::int64()},
      {"int8", arrow::int64()},
      {"float", arrow::float32()},
      {"real", arrow::float32()},
      {"float4", arrow::float32()},
      {"double", arrow::float64()},
      {"float8", arrow::float64()},
      {"string", arrow::utf8()},
      {"text", arrow::utf8()},
      {"varchar", arrow::utf8()},
      {"binary", arrow::binary()},
      {"bytea", arrow::binary()},
      {"varbinary", arrow::binary()},
      {"date", arrow::date32()},
      {"time", arrow::time64(arrow::TimeUnit::NANO)},
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

// `text` as it is where Arrow's parser of decimals can be trusted: it wraps beyond 76 digits, and
// far exponents lead it astray. Elsewhere a text that it refuses.
Value ParsableAsDecimal(const Value& text) {
  auto parsable = cp::call("match_substring_regex", {text.expression},
                           cp::MatchSubstringOptions("^[+-]?([0-9]{0,38}([.][0-9]{0,38})?|"
                                                     "[0-9.]{1,37}[eE][+]?[0-3]?[0-9]|"
                                                     "[0-9.]{1,19}[eE]-[01]?[0-9])$"));
  auto string = [&](const char* value) {
    return cp::literal(*arrow::MakeScalar(text.type, std::string(value)));
  };
  auto refused =
      cp::call("binary_join_element_wise",
               {text.expression, string("no number, or one of too many digits"), string(": ")},
               cp::JoinOptions());
  return {cp::call("if_else", {std::move(parsable), text.expression, std::move(refused)}),
          text.type, text.offset};
}

// By way of a decimal that holds the value exactly, because Arrow judges integers by their type
// and checks no precision where it may truncate.
arrow::Result<Value> CastToDecimal(const SourceText& source, uint32_t offset, const Value& value,
                                   const TypePtr& type) {
  constexpr int32_t kMost = arrow::Decimal256::kMaxPrecision - 1;  // rounding takes one more
  const auto& target = static_cast<const arrow::DecimalType&>(*type);
  Value wide = value;
  if (arrow::is_integer(value.type->id())) {
    wide = CastTo(value, arrow::decimal256(kMost, target.scale()));
  } else if (IsStringLike(value.type)) {
    const int32_t whole = target.precision() - target.scale();
    wide = CastTo(ParsableAsDecimal(value), arrow::decimal256(kMost, kMost - whole));
  } else if (arrow::is_decimal(value.type->id())) {
    const auto& from = static_cast<const arrow::DecimalType&>(*value.type);
    wide = CastTo(value, arrow::decimal256(std::min(from.precision(), kMost), from.scale()));
  }
  if (arrow::is_decimal(wide.type->id())) {
    ARROW_ASSIGN_OR_RAISE(wide, RoundDecimal(source, offset, wide, target.scale(),
                                             cp::RoundMode::HALF_TOWARDS_INFINITY));
  }
  return MakeCall(source, offset, "cast", {wide},
                  std::make_shared<cp::CastOptions>(cp::CastOptions::Safe(type)));
}

// NaN is still there after this, and fits no integer.
arrow::Result<Value> CutFraction(const SourceText& source, uint32_t offset, const Value& value) {
  if (IsFloating(value.type)) return MakeCall(source, offset, "trunc", {value});
  if (!arrow::is_decimal(value.type->id())) return value;
  return RoundDecimal(source, offset, value, 0, cp::RoundMode::TOWARDS_ZERO);
}

}  // namespace

arrow::Result<Value> CastToNamedType(const SourceText& source, uint32_t offset, const Value& value,
                                     const TypeName& name) {
  ARROW_ASSIGN_OR_RAISE(TypePtr type, NamedType(source, offset, name));
  Value plain = Plain(value);
  if (plain.type->id() == arrow::Type::NA) return NullValue(type, offset);
  if (arrow::is_decimal(type->id())) return CastToDecimal(source, offset, plain, type);
  if (arrow::is_integer(type->id())) {
    ARROW_ASSIGN_OR_RAISE(plain, CutFraction(source, offset, plain));
  }
  auto options = std::make_shared<cp::CastOptions>(cp::CastOptions::Safe(type));
  options->allow_float_truncate = IsFloating(type);
  options->allow_time_truncate = true;
  return MakeCall(source, offset, "cast", {plain}, std::move(options));
}

}  // namespace pilum::filter
