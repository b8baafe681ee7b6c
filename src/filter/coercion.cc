#include "filter/coercion.h"

#include <algorithm>

#include "filter/literal.h"

namespace pilum::filter {
namespace {

TypePtr CommonInteger(const arrow::DataType& left, const arrow::DataType& right) {
  const bool unsigned_left = arrow::is_unsigned_integer(left.id());
  const bool unsigned_right = arrow::is_unsigned_integer(right.id());
  const int widest = std::max(arrow::bit_width(left.id()), arrow::bit_width(right.id()));
  if (unsigned_left && unsigned_right) {
    return widest == 64 ? arrow::uint64() : widest == 32 ? arrow::uint32() : arrow::uint16();
  }
  const bool beyond = (unsigned_left && left.id() == arrow::Type::UINT64) ||
                      (unsigned_right && right.id() == arrow::Type::UINT64);
  return beyond ? arrow::decimal128(20, 0) : arrow::int64();
}

TypePtr CommonDecimal(const TypePtr& left, const TypePtr& right) {
  const auto& l = static_cast<const arrow::DecimalType&>(*left);
  const auto& r = static_cast<const arrow::DecimalType&>(*right);
  const int32_t scale = std::max(l.scale(), r.scale());
  const int32_t whole = std::max(l.precision() - l.scale(), r.precision() - r.scale());
  const int32_t precision = whole + scale;
  return precision > arrow::Decimal256::kMaxPrecision ? nullptr : DecimalWith(precision, scale);
}

TypePtr CommonNumeric(const TypePtr& left, const TypePtr& right) {
  if (IsFloating(left) || IsFloating(right)) return arrow::float64();
  if (arrow::is_decimal(left->id()) || arrow::is_decimal(right->id())) {
    return CommonDecimal(DecimalOf(left), DecimalOf(right));
  }
  return CommonInteger(*left, *right);
}

bool IsDate(const TypePtr& type) { return arrow::is_date(type->id()); }

TypePtr CommonTemporal(const TypePtr& left, const TypePtr& right) {
  const auto l = left->id(), r = right->id();
  using Id = arrow::Type;
  if (IsDate(left) && IsDate(right)) return arrow::date64();
  if (IsDate(left)) return r == Id::TIMESTAMP ? CommonTemporal(right, left) : nullptr;
  if (l == Id::TIMESTAMP) {
    const auto& stamp = static_cast<const arrow::TimestampType&>(*left);
    if (IsDate(right)) return stamp.timezone().empty() ? left : nullptr;
    if (r != Id::TIMESTAMP) return nullptr;
    const auto& other = static_cast<const arrow::TimestampType&>(*right);
    if (stamp.timezone().empty() != other.timezone().empty()) return nullptr;
    return arrow::timestamp(std::max(stamp.unit(), other.unit()), stamp.timezone());
  }
  if (arrow::is_time(l) && arrow::is_time(r)) return arrow::time64(arrow::TimeUnit::NANO);
  if (l == Id::DURATION && r == Id::DURATION) return arrow::duration(arrow::TimeUnit::NANO);
  return nullptr;
}

}  // namespace

bool IsNumeric(const TypePtr& type) {
  return arrow::is_numeric(type->id()) || arrow::is_decimal(type->id());
}

bool IsFloating(const TypePtr& type) { return arrow::is_floating(type->id()); }

bool IsStringLike(const TypePtr& type) { return arrow::is_string(type->id()); }

TypePtr DecimalOf(const TypePtr& integer) {
  if (arrow::is_decimal(integer->id())) return integer;
  return arrow::decimal128(integer->id() == arrow::Type::UINT64 ? 20 : 19, 0);
}

TypePtr DecimalWith(int32_t precision, int32_t scale) {
  return precision > arrow::Decimal128::kMaxPrecision ? arrow::decimal256(precision, scale)
                                                      : arrow::decimal128(precision, scale);
}

Value Plain(const Value& value) {
  switch (value.type->id()) {
    case arrow::Type::DICTIONARY:
      return Plain(
          CastTo(value, static_cast<const arrow::DictionaryType&>(*value.type).value_type()));
    case arrow::Type::HALF_FLOAT:
      return CastTo(value, arrow::float32());
    case arrow::Type::STRING_VIEW:
      return CastTo(value, arrow::utf8());
    case arrow::Type::BINARY_VIEW:
    case arrow::Type::FIXED_SIZE_BINARY:
      return CastTo(value, arrow::binary());
    default:
      return value;
  }
}

TypePtr CommonType(const TypePtr& left, const TypePtr& right) {
  if (left->Equals(*right)) return left;
  if (left->id() == arrow::Type::NA) return right;
  if (right->id() == arrow::Type::NA) return left;
  if (IsNumeric(left) && IsNumeric(right)) return CommonNumeric(left, right);
  if (IsStringLike(left) && IsStringLike(right)) return arrow::large_utf8();
  if (arrow::is_binary(left->id()) && arrow::is_binary(right->id())) return arrow::large_binary();
  return CommonTemporal(left, right);
}

arrow::Result<Value> Coerce(const SourceText& source, const Value& value, const TypePtr& type) {
  if (value.type->id() == arrow::Type::NA) return NullValue(type, value.offset);
  if (value.literal == nullptr) return CastTo(value, type);
  ARROW_ASSIGN_OR_RAISE(Placement placement, PlaceLiteral(source, *value.literal, type));
  if (placement.kind != Placement::Kind::kExact) {
    return source.ErrorAt(value.offset,
                          value.literal->text + " is no value of type " + type->ToString());
  }
  return Value{cp::literal(std::move(placement.scalar)), type, value.offset};
}

arrow::Result<std::vector<Value>> Unify(const SourceText& source, std::vector<Value> values) {
  TypePtr type = arrow::null();
  auto widen = [&](const Value& value) -> arrow::Status {
    TypePtr common = CommonType(type, value.type);
    if (common == nullptr) {
      return source.ErrorAt(value.offset, "this is " + value.type->ToString() +
                                              ", what stands before is " + type->ToString() +
                                              "; they have no common type");
    }
    type = std::move(common);
    return arrow::Status::OK();
  };
  for (Value& value : values) {
    if (value.literal != nullptr) continue;
    value = Plain(value);
    ARROW_RETURN_NOT_OK(widen(value));
  }
  // Literals take the type found if they can: '2020-01-01' beside a date is one. The rest widen it.
  for (const Value& value : values) {
    if (value.literal == nullptr || value.literal->kind == NodeKind::kNull) continue;
    const bool fits = type->id() != arrow::Type::NA && Coerce(source, value, type).ok();
    if (!fits) ARROW_RETURN_NOT_OK(widen(value));
  }
  for (Value& value : values) {
    ARROW_ASSIGN_OR_RAISE(value, Coerce(source, value, type));
  }
  return values;
}

}  // namespace pilum::filter
