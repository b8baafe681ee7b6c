#include "filter/functions.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include <arrow/compute/api_scalar.h>
#include <arrow/compute/exec.h>

#include "filter/arithmetic.h"
#include "filter/coercion.h"
#include "filter/comparison.h"

namespace pilum::filter {
namespace {

constexpr size_t kAny = std::numeric_limits<size_t>::max();

bool IsBytes(const TypePtr& type) { return arrow::is_base_binary_like(type->id()); }

arrow::Status TypeError(const FunctionCall& call, size_t index, const char* wanted) {
  const Value& arg = call.args[index];
  return call.source.ErrorAt(
      arg.offset, call.node.text + "() needs " + wanted + " here, this is " + arg.type->ToString());
}

// Argument `index` in plain form; an error unless `accepts` its type. NULL becomes a null of type
// `absent`.
arrow::Result<Value> Argument(const FunctionCall& call, size_t index,
                              bool (*accepts)(const TypePtr&), const char* wanted,
                              const TypePtr& absent) {
  Value value = Plain(call.args[index]);
  if (value.type->id() == arrow::Type::NA) return NullValue(absent, value.offset);
  if (!accepts(value.type)) return TypeError(call, index, wanted);
  return value;
}

arrow::Result<Value> StringArgument(const FunctionCall& call, size_t index) {
  return Argument(call, index, IsStringLike, "a string", arrow::utf8());
}

arrow::Result<Value> NumberArgument(const FunctionCall& call) {
  return Argument(call, 0, IsNumeric, "a number", arrow::float64());
}

arrow::Result<std::string> LiteralText(const FunctionCall& call, size_t index) {
  const Node& node = *call.node.args[index];
  if (node.kind == NodeKind::kString) return node.text;
  return call.source.ErrorAt(node.offset, call.node.text + "() needs a string in quotes here");
}

arrow::Result<Value> Length(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(
      Value value,
      Argument(call, 0, IsBytes, "a string (array_length() counts lists)", arrow::utf8()));
  const char* kernel = IsStringLike(value.type) ? "utf8_length" : "binary_length";
  return MakeCall(call.source, call.offset(), kernel, {value});
}

arrow::Result<Value> Lower(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(Value value, StringArgument(call, 0));
  return MakeCall(call.source, call.offset(), "utf8_lower", {value});
}

arrow::Result<Value> Upper(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(Value value, StringArgument(call, 0));
  return MakeCall(call.source, call.offset(), "utf8_upper", {value});
}

arrow::Result<Value> Match(const FunctionCall& call, const char* kernel) {
  ARROW_ASSIGN_OR_RAISE(Value value, StringArgument(call, 0));
  ARROW_ASSIGN_OR_RAISE(std::string text, LiteralText(call, 1));
  return MakeCall(call.source, call.offset(), kernel, {value},
                  std::make_shared<cp::MatchSubstringOptions>(std::move(text)));
}

arrow::Result<Value> StartsWith(const FunctionCall& call) { return Match(call, "starts_with"); }
arrow::Result<Value> EndsWith(const FunctionCall& call) { return Match(call, "ends_with"); }
arrow::Result<Value> Contains(const FunctionCall& call) { return Match(call, "match_substring"); }

arrow::Result<Value> RegexpMatch(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(Value value, StringArgument(call, 0));
  ARROW_ASSIGN_OR_RAISE(std::string pattern, LiteralText(call, 1));
  bool ignore_case = false;
  if (call.args.size() == 3) {
    ARROW_ASSIGN_OR_RAISE(std::string flags, LiteralText(call, 2));
    if (flags.find_first_not_of('i') != std::string::npos) {
      return call.source.ErrorAt(call.args[2].offset, "the only flag is 'i'");
    }
    ignore_case = !flags.empty();
  }
  cp::MatchSubstringOptions options(std::move(pattern), ignore_case);
  // The kernel would only find a broken pattern on the first batch.
  auto tried =
      cp::CallFunction("match_substring_regex", {arrow::MakeScalar(std::string())}, &options);
  if (!tried.ok()) return call.source.ErrorAt(call.args[1].offset, tried.status().message());
  return MakeCall(call.source, call.offset(), "match_substring_regex", {value},
                  std::make_shared<cp::MatchSubstringOptions>(std::move(options)));
}

arrow::Result<Value> Coalesce(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(auto values, Unify(call.source, call.args));
  if (values[0].type->id() == arrow::Type::NA) return NullValue(arrow::null(), call.offset());
  return MakeCall(call.source, call.offset(), "coalesce", values);
}

arrow::Result<Value> JoinStrings(const FunctionCall& call,
                                 cp::JoinOptions::NullHandlingBehavior nulls) {
  std::vector<Value> values;
  for (size_t i = 0; i < call.args.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(Value value, StringArgument(call, i));
    values.push_back(std::move(value));
    values.back().literal = nullptr;
  }
  ARROW_ASSIGN_OR_RAISE(values, Unify(call.source, std::move(values)));
  ARROW_ASSIGN_OR_RAISE(auto separator, arrow::MakeScalar(values[0].type, std::string()));
  values.push_back({cp::literal(std::move(separator)), values[0].type, call.offset()});
  return MakeCall(call.source, call.offset(), "binary_join_element_wise", values,
                  std::make_shared<cp::JoinOptions>(nulls));
}

// || gives NULL where an operand is NULL; concat() takes it for an empty string.
arrow::Result<Value> ConcatOperator(const FunctionCall& call) {
  return JoinStrings(call, cp::JoinOptions::EMIT_NULL);
}

arrow::Result<Value> Concat(const FunctionCall& call) {
  return JoinStrings(call, cp::JoinOptions::REPLACE);
}

arrow::Result<Value> IsNan(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(Value value, NumberArgument(call));
  return MakeCall(call.source, call.offset(), "is_nan", {value});
}

arrow::Result<Value> Abs(const FunctionCall& call) {
  ARROW_ASSIGN_OR_RAISE(Value value, NumberArgument(call));
  if (IsFloating(value.type)) return MakeCall(call.source, call.offset(), "abs", {value});
  if (arrow::is_signed_integer(value.type->id())) value = CastTo(value, arrow::int64());
  return MakeCall(call.source, call.offset(), "abs_checked", {value});
}

arrow::Result<Value> RoundTo(const FunctionCall& call, int digits, cp::RoundMode mode) {
  ARROW_ASSIGN_OR_RAISE(Value value, NumberArgument(call));
  if (arrow::is_integer(value.type->id())) return value;
  if (arrow::is_decimal(value.type->id())) {
    return RoundDecimal(call.source, call.offset(), value, digits, mode);
  }
  return MakeCall(call.source, call.offset(), "round", {value},
                  std::make_shared<cp::RoundOptions>(digits, mode));
}

arrow::Result<Value> Floor(const FunctionCall& call) {
  return RoundTo(call, 0, cp::RoundMode::DOWN);
}

arrow::Result<Value> Ceil(const FunctionCall& call) { return RoundTo(call, 0, cp::RoundMode::UP); }

arrow::Result<Value> Round(const FunctionCall& call) {
  int digits = 0;
  if (call.args.size() == 2) {
    const Node& node = *call.node.args[1];
    const char* end = node.text.data() + node.text.size();
    auto parsed = std::from_chars(node.text.data(), end, digits);
    if (node.kind != NodeKind::kNumber || parsed.ec != std::errc() || parsed.ptr != end ||
        digits < 0 || digits > 30) {
      return call.source.ErrorAt(node.offset, "round() takes a number of digits from 0 to 30 here");
    }
  }
  return RoundTo(call, digits, cp::RoundMode::HALF_TOWARDS_INFINITY);
}

arrow::Result<Value> ArrayLength(const FunctionCall& call) {
  const Value& list = call.args[0];
  const auto id = list.type->id();
  if (!arrow::is_list_like(id) || id == arrow::Type::MAP) return TypeError(call, 0, "a list");
  return MakeCall(call.source, call.offset(), "list_value_length", {list});
}

arrow::Result<Value> NullIf(const FunctionCall& call) {
  Value left = call.program.Reusable(call.args[0]);
  Value right = call.program.Reusable(call.args[1]);
  ARROW_ASSIGN_OR_RAISE(Value equal,
                        Compare(call.source, call.offset(), CompareOp::kEqual, left, right));
  Value same = BooleanCall(call.offset(), "coalesce", {equal.expression, cp::literal(false)});
  return MakeCall(call.source, call.offset(), "if_else",
                  {same, NullValue(left.type, call.offset()), left});
}

arrow::Result<Value> ArrayHas(const FunctionCall& call) {
  const Value& list = call.args[0];
  Value needle = call.args[1];
  const auto id = list.type->id();
  const bool is_list = id == arrow::Type::LIST || id == arrow::Type::LARGE_LIST ||
                       id == arrow::Type::FIXED_SIZE_LIST;
  if (!is_list) return TypeError(call, 0, "a list");
  const TypePtr& element = static_cast<const arrow::BaseListType&>(*list.type).value_type();
  if (needle.type->id() == arrow::Type::NA) return NullValue(arrow::boolean(), call.offset());
  Membership membership{
      {}, arrow::Schema({arrow::field("", element), arrow::field("", needle.type)}), {}};
  if (needle.literal == nullptr) {
    membership.needle = needle.expression;
    needle.expression = ColumnAt(1);
  }
  ARROW_ASSIGN_OR_RAISE(Value equal, Compare(call.source, call.offset(), CompareOp::kEqual,
                                             {ColumnAt(0), element, list.offset}, needle));
  membership.equal = std::move(equal.expression);
  return call.program.AddStep({list.expression, arrow::boolean(), call.offset()},
                              std::move(membership));
}

constexpr Function kFunctions[] = {
    {"||", 2, 2, ConcatOperator},
    {"abs", 1, 1, Abs, Evaluation::kCanFail},
    {"array_contains", 2, 2, ArrayHas},
    {"array_has", 2, 2, ArrayHas},
    {"array_length", 1, 1, ArrayLength},
    {"cardinality", 1, 1, ArrayLength},
    {"ceil", 1, 1, Ceil},
    {"ceiling", 1, 1, Ceil},
    {"char_length", 1, 1, Length},
    {"character_length", 1, 1, Length},
    {"coalesce", 1, kAny, Coalesce, Evaluation::kUntilValid},
    {"concat", 1, kAny, Concat},
    {"contains", 2, 2, Contains},
    {"ends_with", 2, 2, EndsWith},
    {"floor", 1, 1, Floor},
    {"isnan", 1, 1, IsNan},
    {"length", 1, 1, Length},
    {"list_contains", 2, 2, ArrayHas},
    {"list_has", 2, 2, ArrayHas},
    {"lower", 1, 1, Lower},
    {"nullif", 2, 2, NullIf},
    {"regexp_like", 2, 3, RegexpMatch},
    {"regexp_match", 2, 3, RegexpMatch},
    {"round", 1, 2, Round},
    {"starts_with", 2, 2, StartsWith},
    {"upper", 1, 1, Upper},
};

// The pattern in Arrow's terms, whose escape character is always the backslash.
std::string LikePattern(const std::string& pattern, std::string_view escape) {
  std::string result;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const bool escapes = !escape.empty() && pattern.compare(i, escape.size(), escape) == 0 &&
                         i + escape.size() < pattern.size();
    if (escapes) i += escape.size();
    const char c = pattern[i];
    if (c == '\\' || (escapes && (c == '%' || c == '_'))) result += '\\';
    result += c;
  }
  return result;
}

// The regular expression of a pattern in Arrow's terms.
std::string LikeRegex(const std::string& pattern) {
  std::string regex = "(?s)^";  // wildcards stand for line ends, too
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%') {
      regex += ".*";
    } else if (pattern[i] == '_') {
      regex += '.';
    } else {
      if (pattern[i] == '\\') ++i;
      if (std::string_view("\\^$.|?*+()[]{}").find(pattern[i]) != std::string_view::npos) {
        regex += '\\';
      }
      regex += pattern[i];
    }
  }
  return regex + '$';
}

}  // namespace

const Function* FindFunction(const std::string& name) {
  auto found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                            [&](const Function& function) { return name == function.name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

bool CanFail(const std::string& name) {
  const Function* function = FindFunction(name);
  return function != nullptr && function->evaluation == Evaluation::kCanFail;
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names;
  for (const Function& function : kFunctions) names.push_back(function.name);
  return names;
}

arrow::Result<Value> Like(const SourceText& source, const Node& node, const Value& value) {
  Value plain = Plain(value);
  const Node& pattern = *node.args[1];
  if (plain.type->id() == arrow::Type::NA || pattern.kind == NodeKind::kNull) {
    return NullValue(arrow::boolean(), node.offset);
  }
  if (!IsStringLike(plain.type)) {
    return source.ErrorAt(value.offset, "LIKE needs a string, this is " + plain.type->ToString());
  }
  if (pattern.kind != NodeKind::kString) {
    return source.ErrorAt(pattern.offset, "the pattern of LIKE must be a string in quotes");
  }
  std::string escape = "\\";
  if (node.args.size() == 3) {
    escape = node.args[2]->text;
    auto starts_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
    if (node.args[2]->kind != NodeKind::kString ||
        std::count_if(escape.begin(), escape.end(), starts_character) > 1) {
      return source.ErrorAt(node.args[2]->offset, "ESCAPE takes one character in quotes");
    }
  }
  std::string translated = LikePattern(pattern.text, escape);
  // match_like is fast, but knows no backslash in patterns that only start, end or surround a text.
  const bool has_backslash = translated.find("\\\\") != std::string::npos;
  if (has_backslash) translated = LikeRegex(translated);
  return MakeCall(source, node.offset, has_backslash ? "match_substring_regex" : "match_like",
                  {plain},
                  std::make_shared<cp::MatchSubstringOptions>(std::move(translated), node.flag));
}

}  // namespace pilum::filter
