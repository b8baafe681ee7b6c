// The syntax tree: what the parser understood, before any column or type is known.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filter/scanner.h"

namespace pilum::filter {

enum class NodeKind : uint8_t {
  kColumn,       ///< path
  kNumber,       ///< text: digits as written, with a minus sign where negative
  kString,       ///< text
  kBinary,       ///< text: the bytes
  kTypedString,  ///< text, type: date, time, timestamp or timestamptz
  kBoolean,      ///< flag
  kNull,
  kAnd,
  kOr,
  kNot,
  kIsNull,
  kIsTrue,
  kIsFalse,
  kIsUnknown,
  kCompare,     ///< text: = <> < <= > >=
  kDistinct,    ///< IS DISTINCT FROM
  kBetween,     ///< value, low, high
  kIn,          ///< value, then the items; or `list`
  kLike,        ///< value, pattern, escape character; flag: ILIKE
  kArithmetic,  ///< text: + - * / %
  kNegate,
  kCase,      ///< [operand if flag], then condition, value, …, ELSE value
  kCast,      ///< type
  kFunction,  ///< text: the name in lower case
};

struct Node;
using NodePtr = std::unique_ptr<const Node>;

/// The type of a CAST as written.
struct TypeName {
  std::string name;             ///< lower case
  std::vector<int> parameters;  ///< (precision, scale)
  bool with_time_zone = false;
};

struct Node {
  NodeKind kind;
  uint32_t offset;  ///< in the source text
  std::string text = {};
  std::vector<std::string> path = {};
  TypeName type = {};
  bool flag = false;
  const LiteralList* list = nullptr;
  std::vector<NodePtr> args = {};
  bool can_fail = false;  ///< evaluating some row may be an error: a division, an overflow, a cast

  bool IsLiteral() const {
    switch (kind) {
      case NodeKind::kNumber:
      case NodeKind::kString:
      case NodeKind::kBinary:
      case NodeKind::kTypedString:
      case NodeKind::kBoolean:
      case NodeKind::kNull:
        return true;
      default:
        return false;
    }
  }
};

}  // namespace pilum::filter
