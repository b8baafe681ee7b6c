#include "filter/literal.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include <arrow/compute/api_scalar.h>
#include <arrow/compute/exec.h>
#include <arrow/util/decimal.h>
#include <arrow/util/float16.h>

#include "filter/instant.h"

namespace pilum::filter {
namespace {

using arrow::Decimal256;
using TypePtr = std::shared_ptr<arrow::DataType>;
using Kind = Placement::Kind;

// The number that the literal writes, times 10^scale, rounded down: its value on a decimal grid.
struct Floor {
  Kind kind;  // kBelowAll, kAboveAll: beyond 76 digits
  Decimal256 value;
};

Floor FloorOnGrid(std::string_view text, int32_t scale) {
  const bool negative = text.front() == '-';
  std::string digits;
  int64_t exponent = scale;  // the value is digits * 10^exponent
  bool after_point = false;
  for (size_t i = negative; i < text.size(); ++i) {
    if (text[i] == '.') {
      after_point = true;
    } else if (text[i] == 'e' || text[i] == 'E') {
      std::string_view written = text.substr(i + 1);
      if (written.front() == '+') written.remove_prefix(1);
      int64_t value = 0;
      auto parsed = std::from_chars(written.data(), written.data() + written.size(), value);
      constexpr int64_t kFar = 1'000'000'000;
      if (parsed.ec != std::errc()) value = written.front() == '-' ? -kFar : kFar;
      exponent += std::clamp(value, -kFar, kFar);
      break;
    } else {
      if (!digits.empty() || text[i] != '0') digits += text[i];
      exponent -= after_point;
    }
  }
  if (digits.empty()) return {Kind::kExact, Decimal256(0)};

  constexpr int64_t kMaxDigits = Decimal256::kMaxPrecision;
  const int64_t whole = static_cast<int64_t>(digits.size()) + exponent;  // digits before the point
  if (whole > kMaxDigits) return {negative ? Kind::kBelowAll : Kind::kAboveAll, {}};
  bool inexact = false;
  if (exponent < 0) {
    auto keep = static_cast<size_t>(std::max<int64_t>(whole, 0));
    inexact = digits.find_first_not_of('0', keep) != std::string::npos;
    digits.resize(keep);
  } else {
    digits.append(static_cast<size_t>(exponent), '0');
  }
  Decimal256 value = digits.empty() ? Decimal256(0) : Decimal256::FromString(digits).ValueOrDie();
  if (negative) value = -value;
  if (negative && inexact) value -= Decimal256(1);
  return {inexact ? Kind::kBetween : Kind::kExact, value};
}

// A point of the grid becomes a placement among the values low..high of the type.
template <typename Grid, typename ToScalar>
arrow::Result<Placement> Clamp(Kind kind, const Grid& floor, const Grid& low, const Grid& high,
                               ToScalar&& to_scalar) {
  if (kind == Kind::kBelowAll || kind == Kind::kAboveAll) return Placement{kind, nullptr};
  if (floor < low) return Placement{Kind::kBelowAll, nullptr};
  if (floor > high || (floor == high && kind == Kind::kBetween)) {
    return Placement{Kind::kAboveAll, nullptr};
  }
  ARROW_ASSIGN_OR_RAISE(auto scalar, to_scalar(floor));
  return Placement{kind, std::move(scalar)};
}

template <typename Integer>
arrow::Result<Placement> PlaceInteger(std::string_view text, const TypePtr& type) {
  auto to_scalar = [&](auto value) { return arrow::MakeScalar(type, static_cast<Integer>(value)); };
  constexpr Integer kLow = std::numeric_limits<Integer>::min();
  constexpr Integer kHigh = std::numeric_limits<Integer>::max();
  int64_t plain = 0;  // the usual case, and the one that lists of many values need to be fast
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), plain);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
    if (plain < 0 && kLow == 0) return Placement{Kind::kBelowAll, nullptr};
    if (plain >= 0 && static_cast<uint64_t>(plain) > static_cast<uint64_t>(kHigh)) {
      return Placement{Kind::kAboveAll, nullptr};
    }
    if (plain < 0 && plain < static_cast<int64_t>(kLow)) return Placement{Kind::kBelowAll, nullptr};
    ARROW_ASSIGN_OR_RAISE(auto scalar, to_scalar(plain));
    return Placement{Kind::kExact, std::move(scalar)};
  }
  Floor floor = FloorOnGrid(text, 0);
  return Clamp(floor.kind, floor.value, Decimal256(kLow), Decimal256(kHigh),
               [&](const Decimal256& value) { return to_scalar(value.low_bits()); });
}

double NearestDouble(std::string_view text) {
  double value = 0;
  auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc::result_out_of_range) return value;
  // Too large or too small: the digits before the point tell which.
  Kind kind = FloorOnGrid(text, 0).kind;
  if (kind == Kind::kExact || kind == Kind::kBetween) return text.front() == '-' ? -0.0 : 0.0;
  return kind == Kind::kAboveAll ? std::numeric_limits<double>::infinity()
                                 : -std::numeric_limits<double>::infinity();
}

// `value` fits the precision of `type`.
arrow::Result<std::shared_ptr<arrow::Scalar>> DecimalScalar(const Decimal256& value,
                                                            const TypePtr& type) {
  const auto words = value.little_endian_array();
  switch (type->id()) {
    case arrow::Type::DECIMAL32:
      return arrow::MakeScalar(type, arrow::Decimal32(static_cast<int32_t>(words[0])));
    case arrow::Type::DECIMAL64:
      return arrow::MakeScalar(type, arrow::Decimal64(static_cast<int64_t>(words[0])));
    case arrow::Type::DECIMAL128:
      return arrow::MakeScalar(type, arrow::Decimal128(static_cast<int64_t>(words[1]), words[0]));
    default:
      return arrow::MakeScalar(type, value);
  }
}

arrow::Result<Placement> PlaceDecimal(std::string_view text, const TypePtr& type) {
  const auto& decimal = static_cast<const arrow::DecimalType&>(*type);
  Floor floor = FloorOnGrid(text, decimal.scale());
  Decimal256 high(arrow::BasicDecimal256::GetScaleMultiplier(decimal.precision()));
  high -= Decimal256(1);
  return Clamp(floor.kind, floor.value, Decimal256(-high), high,
               [&](const Decimal256& value) { return DecimalScalar(value, type); });
}

arrow::Result<Placement> PlaceNumber(const SourceText& source, const Node& literal,
                                     const TypePtr& type) {
  const std::string& text = literal.text;
  auto exact =
      [](arrow::Result<std::shared_ptr<arrow::Scalar>> scalar) -> arrow::Result<Placement> {
    ARROW_RETURN_NOT_OK(scalar);
    return Placement{Kind::kExact, *std::move(scalar)};
  };
  switch (type->id()) {
    case arrow::Type::INT8:
      return PlaceInteger<int8_t>(text, type);
    case arrow::Type::INT16:
      return PlaceInteger<int16_t>(text, type);
    case arrow::Type::INT32:
      return PlaceInteger<int32_t>(text, type);
    case arrow::Type::INT64:
      return PlaceInteger<int64_t>(text, type);
    case arrow::Type::UINT8:
      return PlaceInteger<uint8_t>(text, type);
    case arrow::Type::UINT16:
      return PlaceInteger<uint16_t>(text, type);
    case arrow::Type::UINT32:
      return PlaceInteger<uint32_t>(text, type);
    case arrow::Type::UINT64:
      return PlaceInteger<uint64_t>(text, type);
    case arrow::Type::DOUBLE:
      return exact(arrow::MakeScalar(type, NearestDouble(text)));
    case arrow::Type::FLOAT:
      return exact(arrow::MakeScalar(type, static_cast<float>(NearestDouble(text))));
    case arrow::Type::HALF_FLOAT:
      return exact(
          arrow::MakeScalar(arrow::util::Float16::FromDouble(NearestDouble(text)).ToFloat()));
    case arrow::Type::DECIMAL32:
    case arrow::Type::DECIMAL64:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return PlaceDecimal(text, type);
    default: {
      std::string hint =
          arrow::is_base_binary_like(type->id()) ? "; strings take single quotes" : "";
      return source.ErrorAt(
          literal.offset, "cannot compare " + type->ToString() + " with the number " + text + hint);
    }
  }
}

// Ticks of a temporal type: their number in a second, or for days the seconds in one.
struct Ticks {
  int64_t per_second = 1;
  int64_t seconds = 1;
};

Ticks TicksOf(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return {1, 1};
    case arrow::TimeUnit::MILLI:
      return {1'000, 1};
    case arrow::TimeUnit::MICRO:
      return {1'000'000, 1};
    default:
      return {1'000'000'000, 1};
  }
}

arrow::Result<Placement> PlaceOnTicks(const Instant& instant, Ticks ticks, int64_t low,
                                      int64_t high, const TypePtr& type) {
  int64_t whole = instant.seconds / ticks.seconds;
  int64_t rest = instant.seconds % ticks.seconds;
  if (rest < 0) {
    --whole;
    rest += ticks.seconds;
  }
  const int64_t nanoseconds_each = 1'000'000'000 / ticks.per_second;
  const bool exact = rest == 0 && instant.nanoseconds % nanoseconds_each == 0;
  int64_t count = 0;
  const int64_t fraction = ticks.seconds == 1 ? instant.nanoseconds / nanoseconds_each : 0;
  if (__builtin_mul_overflow(whole, ticks.per_second, &count) ||
      __builtin_add_overflow(count, fraction, &count)) {
    return Placement{whole < 0 ? Kind::kBelowAll : Kind::kAboveAll, nullptr};
  }
  return Clamp(exact ? Kind::kExact : Kind::kBetween, count, low, high,
               [&](int64_t value) { return arrow::MakeScalar(type, value); });
}

// The instant at which clocks in `zone` show `wall`.
arrow::Result<Instant> InZone(const Instant& wall, const std::string& zone) {
  auto seconds = std::make_shared<arrow::TimestampScalar>(
      wall.seconds, arrow::timestamp(arrow::TimeUnit::SECOND));
  using Options = arrow::compute::AssumeTimezoneOptions;
  ARROW_ASSIGN_OR_RAISE(arrow::Datum datum,
                        arrow::compute::AssumeTimezone(arrow::Datum(std::move(seconds)),
                                                       Options(zone, Options::AMBIGUOUS_EARLIEST,
                                                               Options::NONEXISTENT_EARLIEST)));
  Instant instant = wall;
  instant.seconds = datum.scalar_as<arrow::TimestampScalar>().value;
  return instant;
}

arrow::Result<Placement> PlaceInstant(const SourceText& source, const Node& literal,
                                      const TypePtr& type) {
  const bool is_time = type->id() == arrow::Type::TIME32 || type->id() == arrow::Type::TIME64;
  std::optional<Instant> instant = ParseInstant(literal.text);
  const bool fits_own_type = literal.kind == NodeKind::kString ||
                             literal.type.name == "timestamp" ||
                             (instant && instant->has_date == (literal.type.name == "date"));
  if (!instant || instant->has_date == is_time || !fits_own_type) {
    return source.ErrorAt(literal.offset, "'" + literal.text + "' is not a " +
                                              (is_time ? "time" : "date or timestamp") +
                                              (is_time ? " (12:30:00)"
                                                       : " (2020-01-31, 2020-01-31 12:30:00, "
                                                         "2020-01-31T12:30:00Z)"));
  }
  constexpr int64_t kLow = std::numeric_limits<int64_t>::min();
  constexpr int64_t kHigh = std::numeric_limits<int64_t>::max();
  switch (type->id()) {
    case arrow::Type::DATE32:
      return PlaceOnTicks(*instant, {1, 86400}, std::numeric_limits<int32_t>::min(),
                          std::numeric_limits<int32_t>::max(), type);
    case arrow::Type::DATE64:
      return PlaceOnTicks(*instant, {1'000, 1}, kLow, kHigh, type);
    case arrow::Type::TIME32:
      return PlaceOnTicks(*instant, TicksOf(static_cast<const arrow::TimeType&>(*type).unit()), 0,
                          std::numeric_limits<int32_t>::max(), type);
    case arrow::Type::TIME64:
      return PlaceOnTicks(*instant, TicksOf(static_cast<const arrow::TimeType&>(*type).unit()), 0,
                          kHigh, type);
    default:
      break;
  }
  const auto& timestamp = static_cast<const arrow::TimestampType&>(*type);
  if (!timestamp.timezone().empty() && !instant->has_zone) {
    auto local = InZone(*instant, timestamp.timezone());
    if (!local.ok()) return source.ErrorAt(literal.offset, local.status().message());
    instant = *local;
  }
  return PlaceOnTicks(*instant, TicksOf(timestamp.unit()), kLow, kHigh, type);
}

arrow::Result<Placement> PlaceBytes(const SourceText& source, const Node& literal,
                                    const TypePtr& type) {
  const bool to_string = arrow::is_string(type->id());
  if (to_string == (literal.kind == NodeKind::kString)) {
    ARROW_ASSIGN_OR_RAISE(auto scalar,
                          arrow::MakeScalar(type, arrow::Buffer::FromString(literal.text)));
    return Placement{Kind::kExact, std::move(scalar)};
  }
  return source.ErrorAt(literal.offset, to_string
                                            ? "cannot compare a string column with a binary value"
                                            : "binary values are written X'61'");
}

}  // namespace

arrow::Result<Placement> PlaceLiteral(const SourceText& source, const Node& literal,
                                      const TypePtr& type) {
  if (literal.kind == NodeKind::kNumber) return PlaceNumber(source, literal, type);
  const bool is_text = literal.kind == NodeKind::kString || literal.kind == NodeKind::kTypedString;
  if (is_text && arrow::is_temporal(type->id()) && type->id() != arrow::Type::DURATION &&
      !arrow::is_interval(type->id())) {
    return PlaceInstant(source, literal, type);
  }
  if (literal.kind == NodeKind::kBoolean && type->id() == arrow::Type::BOOL) {
    return Placement{Kind::kExact, std::make_shared<arrow::BooleanScalar>(literal.flag)};
  }
  const bool is_bytes = literal.kind == NodeKind::kString || literal.kind == NodeKind::kBinary;
  if (is_bytes && arrow::is_base_binary_like(type->id())) return PlaceBytes(source, literal, type);
  std::string what = literal.kind == NodeKind::kString    ? "a string"
                     : literal.kind == NodeKind::kBinary  ? "a binary value"
                     : literal.kind == NodeKind::kBoolean ? "a boolean"
                                                          : "a " + literal.type.name;
  if (literal.kind == NodeKind::kString &&
      (arrow::is_numeric(type->id()) || arrow::is_decimal(type->id()))) {
    what += "; write the number without quotes";
  }
  return source.ErrorAt(literal.offset, "cannot compare " + type->ToString() + " with " + what);
}

TypePtr DefaultType(const Node& literal) {
  switch (literal.kind) {
    case NodeKind::kNumber: {
      Floor floor = FloorOnGrid(literal.text, 0);
      if (literal.text.find_first_of(".eE") != std::string::npos || floor.kind != Kind::kExact) {
        return arrow::float64();
      }
      auto fits = [&](const TypePtr& type, auto place) {
        auto placement = place(literal.text, type);
        return placement.ok() && placement->kind == Kind::kExact;
      };
      if (fits(arrow::int64(), PlaceInteger<int64_t>)) return arrow::int64();
      return fits(arrow::uint64(), PlaceInteger<uint64_t>) ? arrow::uint64() : arrow::float64();
    }
    case NodeKind::kString:
      return arrow::utf8();
    case NodeKind::kBinary:
      return arrow::binary();
    case NodeKind::kBoolean:
      return arrow::boolean();
    case NodeKind::kTypedString: {
      if (literal.type.name == "date") return arrow::date32();
      auto instant = ParseInstant(literal.text);
      auto unit = instant && instant->nanoseconds % 1000 != 0 ? arrow::TimeUnit::NANO
                                                              : arrow::TimeUnit::MICRO;
      if (literal.type.name == "time") return arrow::time64(unit);
      return arrow::timestamp(unit, literal.type.with_time_zone ? "UTC" : "");
    }
    default:
      return arrow::null();
  }
}

}  // namespace pilum::filter
