#include "dataset/logical_type.h"

#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include <arrow/type_traits.h>
#include <arrow/util/key_value_metadata.h>

#include "bytes/byte_reader.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using TypeResult = arrow::Result<std::shared_ptr<arrow::DataType>>;
using Parts = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kFixedSizeList = "fixed_size_list:";

/// One value of a fixed-width column, in bits: 2 GiB.
constexpr uint64_t kMaxValueBits = uint64_t{std::numeric_limits<int32_t>::max()} * 8;

struct NamedType {
  std::string_view name;
  const std::shared_ptr<arrow::DataType>& (*make)();
};

constexpr NamedType kNamedTypes[] = {
    {"null", arrow::null},         {"bool", arrow::boolean},
    {"int8", arrow::int8},         {"int16", arrow::int16},
    {"int32", arrow::int32},       {"int64", arrow::int64},
    {"uint8", arrow::uint8},       {"uint16", arrow::uint16},
    {"uint32", arrow::uint32},     {"uint64", arrow::uint64},
    {"halffloat", arrow::float16}, {"float", arrow::float32},
    {"double", arrow::float64},    {"string", arrow::utf8},
    {"binary", arrow::binary},     {"large_string", arrow::large_utf8},
    {"date32:day", arrow::date32}, {"large_binary", arrow::large_binary},
    {"date64:ms", arrow::date64},  {"json", arrow::utf8},
};

TypeResult Unknown(std::string_view text) {
  return MakeError(ErrorKind::kUnsupported,
                   "the logical type '" + std::string(text) +
                       "' is not known; a newer version of pilum may read it");
}

arrow::Status Malformed(std::string_view text, std::string_view why) {
  return bytes::Corrupt("the logical type '" + std::string(text) +
                        "' is malformed: " + std::string(why));
}

/// Text before and after the first colon; nothing after it when there is none.
Parts SplitFirst(std::string_view text) {
  size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

/// Text before and after the last colon; nothing before it when there is none.
Parts SplitLast(std::string_view text) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {{}, text};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<int32_t> ParseInt(std::string_view digits) {
  int32_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<arrow::TimeUnit::type> ParseUnit(std::string_view text) {
  if (text == "s") return arrow::TimeUnit::SECOND;
  if (text == "ms") return arrow::TimeUnit::MILLI;
  if (text == "us") return arrow::TimeUnit::MICRO;
  if (text == "ns") return arrow::TimeUnit::NANO;
  return std::nullopt;
}

TypeResult ParseDecimal(std::string_view text, std::string_view parameters) {
  auto [width, digits] = SplitFirst(parameters);
  auto [precision_text, scale_text] = SplitFirst(digits);
  auto precision = ParseInt(precision_text);
  auto scale = ParseInt(scale_text);
  if (!precision || !scale) return Malformed(text, "expected decimal:<width>:<precision>:<scale>");
  if (*scale < INT8_MIN || *scale > INT8_MAX) return Malformed(text, "the scale is out of range");
  if (width != "128" && width != "256") return Unknown(text);
  TypeResult type = width == "128" ? arrow::Decimal128Type::Make(*precision, *scale)
                                   : arrow::Decimal256Type::Make(*precision, *scale);
  if (!type.ok()) return Malformed(text, type.status().message());
  return type;
}

TypeResult ParseTemporal(std::string_view text, std::string_view head,
                         std::string_view parameters) {
  auto [unit_text, timezone] = SplitFirst(parameters);
  auto unit = ParseUnit(unit_text);
  if (!unit) return Unknown(text);
  if (head == "timestamp") {
    return arrow::timestamp(*unit, timezone == "-" ? std::string() : std::string(timezone));
  }
  if (unit_text != parameters) return Unknown(text);
  if (head == "duration") return arrow::duration(*unit);
  bool coarse = *unit == arrow::TimeUnit::SECOND || *unit == arrow::TimeUnit::MILLI;
  if (head == "time32" && coarse) return arrow::time32(*unit);
  if (head == "time64" && !coarse) return arrow::time64(*unit);
  return Unknown(text);
}

TypeResult ParseFixedSizeBinary(std::string_view text, std::string_view parameters) {
  // Arrow counts the bits of such a value in an int.
  constexpr int32_t kMaxWidth = std::numeric_limits<int32_t>::max() / 8;
  auto width = ParseInt(parameters);
  if (!width || *width < 1 || *width > kMaxWidth) {
    return Malformed(text, "expected a width of 1 to " + std::to_string(kMaxWidth) + " bytes");
  }
  return arrow::fixed_size_binary(*width);
}

TypeResult Parse(std::string_view text, int depth);

TypeResult ParseDictionary(std::string_view text, std::string_view parameters, int depth) {
  auto [types, ordered] = SplitLast(parameters);
  auto [value_text, index_text] = SplitLast(types);
  if (value_text.empty() || (ordered != "false" && ordered != "true")) {
    return Malformed(text, "expected dict:<value>:<index>:<true or false>");
  }
  ARROW_ASSIGN_OR_RAISE(auto value, Parse(value_text, depth + 1));
  ARROW_ASSIGN_OR_RAISE(auto index, Parse(index_text, depth + 1));
  if (value->id() == arrow::Type::DICTIONARY) return Unknown(text);
  auto type = arrow::DictionaryType::Make(index, value, ordered == "true");
  if (!type.ok()) return Malformed(text, type.status().message());
  return type;
}

/// Bits of one value; 0 for types whose values have no fixed number of bits.
uint64_t ValueBits(const arrow::DataType& type) {
  if (type.id() == arrow::Type::FIXED_SIZE_LIST) {
    const auto& list = static_cast<const arrow::FixedSizeListType&>(type);
    return ValueBits(*list.value_type()) * static_cast<uint64_t>(list.list_size());
  }
  if (type.id() == arrow::Type::DICTIONARY || !arrow::is_fixed_width(type.id())) return 0;
  return static_cast<uint64_t>(type.bit_width());
}

arrow::Result<std::shared_ptr<arrow::Field>> ParseListItem(std::string_view item, int depth) {
  if (item == "lance.bfloat16") {
    auto metadata = arrow::key_value_metadata(
        {{"ARROW:extension:name", "lance.bfloat16"}, {"ARROW:extension:metadata", ""}});
    return arrow::field("item", arrow::fixed_size_binary(2), true, std::move(metadata));
  }
  ARROW_ASSIGN_OR_RAISE(auto type, Parse(item, depth + 1));
  return arrow::field("item", std::move(type));
}

TypeResult ParseFixedSizeList(std::string_view text, std::string_view parameters, int depth) {
  ARROW_ASSIGN_OR_RAISE(int32_t size, ParseListSize(text));
  ARROW_ASSIGN_OR_RAISE(auto item, ParseListItem(SplitLast(parameters).first, depth));
  uint64_t item_bits = ValueBits(*item->type());
  if (item_bits == 0) return Unknown(text);
  if (static_cast<uint64_t>(size) > kMaxValueBits / item_bits) {
    return Malformed(text, "one value is larger than 2 GiB");
  }
  return arrow::fixed_size_list(std::move(item), size);
}

TypeResult Parse(std::string_view text, int depth) {
  if (depth > kMaxNesting) {
    return bytes::Corrupt("a logical type is nested more than " + std::to_string(kMaxNesting) +
                          " deep");
  }
  for (const NamedType& named : kNamedTypes) {
    if (text == named.name) return named.make();
  }
  auto [head, parameters] = SplitFirst(text);
  if (head == "timestamp" || head == "duration" || head == "time32" || head == "time64") {
    return ParseTemporal(text, head, parameters);
  }
  if (head == "fixed_size_binary") return ParseFixedSizeBinary(text, parameters);
  if (head == "decimal") return ParseDecimal(text, parameters);
  if (head == "fixed_size_list") return ParseFixedSizeList(text, parameters, depth);
  if (head == "dict") return ParseDictionary(text, parameters, depth);
  return Unknown(text);
}

using TextResult = arrow::Result<std::string>;

std::string UnitText(arrow::TimeUnit::type unit) {
  switch (unit) {
    case arrow::TimeUnit::SECOND:
      return "s";
    case arrow::TimeUnit::MILLI:
      return "ms";
    case arrow::TimeUnit::MICRO:
      return "us";
    case arrow::TimeUnit::NANO:
      break;
  }
  return "ns";
}

std::string FormatDecimal(const arrow::DecimalType& type) {
  return "decimal:" + std::to_string(type.bit_width()) + ":" + std::to_string(type.precision()) +
         ":" + std::to_string(type.scale());
}

TextResult FormatFixedSizeList(const arrow::FixedSizeListType& type) {
  const arrow::Field& item = *type.value_field();
  std::string text;
  if (item.metadata() && item.metadata()->Contains("ARROW:extension:name") &&
      item.metadata()->Get("ARROW:extension:name") == "lance.bfloat16") {
    text = "lance.bfloat16";
  } else {
    ARROW_ASSIGN_OR_RAISE(text, FormatLogicalType(*item.type()));
  }
  text = std::string(kFixedSizeList) + text + ":" + std::to_string(type.list_size());
  ARROW_RETURN_NOT_OK(ParseLogicalType(text).status());  // refuses items of other kinds
  return text;
}

TextResult FormatDictionary(const arrow::DictionaryType& type) {
  ARROW_ASSIGN_OR_RAISE(std::string value, FormatLogicalType(*type.value_type()));
  ARROW_ASSIGN_OR_RAISE(std::string index, FormatLogicalType(*type.index_type()));
  return "dict:" + value + ":" + index + (type.ordered() ? ":true" : ":false");
}

}  // namespace

TextResult FormatLogicalType(const arrow::DataType& type) {
  const auto as = [&type]<typename T>() -> const T& { return static_cast<const T&>(type); };
  switch (type.id()) {
    case arrow::Type::STRING_VIEW:
      return "string";
    case arrow::Type::BINARY_VIEW:
      return "binary";
    case arrow::Type::FIXED_SIZE_BINARY:
      return "fixed_size_binary:" +
             std::to_string(as.operator()<arrow::FixedSizeBinaryType>().byte_width());
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      return FormatDecimal(as.operator()<arrow::DecimalType>());
    case arrow::Type::TIME32:
      return "time32:" + UnitText(as.operator()<arrow::TimeType>().unit());
    case arrow::Type::TIME64:
      return "time64:" + UnitText(as.operator()<arrow::TimeType>().unit());
    case arrow::Type::DURATION:
      return "duration:" + UnitText(as.operator()<arrow::DurationType>().unit());
    case arrow::Type::TIMESTAMP: {
      const auto& timestamp = as.operator()<arrow::TimestampType>();
      return "timestamp:" + UnitText(timestamp.unit()) + ":" +
             (timestamp.timezone().empty() ? "-" : timestamp.timezone());
    }
    case arrow::Type::FIXED_SIZE_LIST:
      return FormatFixedSizeList(as.operator()<arrow::FixedSizeListType>());
    case arrow::Type::DICTIONARY:
      return FormatDictionary(as.operator()<arrow::DictionaryType>());
    default:
      break;
  }
  for (const NamedType& named : kNamedTypes) {
    if (named.make()->Equals(type)) return std::string(named.name);
  }
  return MakeError(ErrorKind::kUnsupported, "Lance has no values of type " + type.ToString());
}

TypeResult ParseLogicalType(std::string_view text) { return Parse(text, 0); }

arrow::Result<int32_t> ParseListSize(std::string_view logical_type) {
  auto size = logical_type.starts_with(kFixedSizeList) ? ParseInt(SplitLast(logical_type).second)
                                                       : std::nullopt;
  if (!size || *size < 1) return Malformed(logical_type, "expected a list size of at least 1");
  return *size;
}

}  // namespace pilum::dataset
