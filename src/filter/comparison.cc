#include "filter/comparison.h"

#include <memory>
#include <utility>

#include <arrow/builder.h>
#include <arrow/compute/api_scalar.h>

#include "error/nearest_name.h"
#include "filter/coercion.h"
#include "filter/literal.h"

namespace pilum::filter {
namespace {

using Kind = Placement::Kind;

const char* KernelName(CompareOp op) {
  switch (op) {
    case CompareOp::kEqual:
      return "equal";
    case CompareOp::kNotEqual:
      return "not_equal";
    case CompareOp::kLess:
      return "less";
    case CompareOp::kLessEqual:
      return "less_equal";
    case CompareOp::kGreater:
      return "greater";
    default:
      return "greater_equal";
  }
}

// b op a for a op b.
CompareOp Mirror(CompareOp op) {
  switch (op) {
    case CompareOp::kLess:
      return CompareOp::kGreater;
    case CompareOp::kLessEqual:
      return CompareOp::kGreaterEqual;
    case CompareOp::kGreater:
      return CompareOp::kLess;
    case CompareOp::kGreaterEqual:
      return CompareOp::kLessEqual;
    default:
      return op;
  }
}

cp::Expression IsNan(const cp::Expression& value) { return cp::call("is_nan", {value}); }
cp::Expression Not(cp::Expression value) { return cp::call("invert", {std::move(value)}); }
cp::Expression And(cp::Expression a, cp::Expression b) {
  return cp::call("and_kleene", {std::move(a), std::move(b)});
}
cp::Expression Or(cp::Expression a, cp::Expression b) {
  return cp::call("or_kleene", {std::move(a), std::move(b)});
}

// `outcome` wherever the value is not NULL.
Value Constant(uint32_t offset, const Value& value, bool outcome) {
  return BooleanCall(offset, "if_else",
                     {cp::call("is_valid", {value.expression}), cp::literal(outcome),
                      cp::literal(arrow::MakeNullScalar(arrow::boolean()))});
}

// Floating point in the order that puts NaN last. The kernels follow IEEE 754, where NaN is in no
// order.
cp::Expression CompareFloats(CompareOp op, const cp::Expression& l, const cp::Expression& r) {
  auto plain = [&](CompareOp o) { return cp::call(KernelName(o), {l, r}); };
  switch (op) {
    case CompareOp::kEqual:
      return Or(plain(op), And(IsNan(l), IsNan(r)));
    case CompareOp::kLess:
      return Or(plain(op), And(IsNan(r), Not(IsNan(l))));
    case CompareOp::kGreater:
      return Or(plain(op), And(IsNan(l), Not(IsNan(r))));
    case CompareOp::kNotEqual:
      return Not(CompareFloats(CompareOp::kEqual, l, r));
    case CompareOp::kLessEqual:
      return Not(CompareFloats(CompareOp::kGreater, l, r));
    default:
      return Not(CompareFloats(CompareOp::kLess, l, r));
  }
}

arrow::Result<Value> CompareScalar(const SourceText& source, uint32_t offset, CompareOp op,
                                   const Value& value, std::shared_ptr<arrow::Scalar> scalar) {
  TypePtr type = scalar->type;
  Value right{cp::literal(std::move(scalar)), type, offset};
  ARROW_ASSIGN_OR_RAISE(Value result, MakeCall(source, offset, KernelName(op), {value, right}));
  // A literal is never NaN: only the column's NaN, greater than any literal, needs a word.
  if (IsFloating(value.type) && (op == CompareOp::kGreater || op == CompareOp::kGreaterEqual)) {
    result.expression = Or(std::move(result.expression), IsNan(value.expression));
  }
  return result;
}

arrow::Result<Value> CompareLiteral(const SourceText& source, uint32_t offset, CompareOp op,
                                    const Value& value, const Node& literal) {
  ARROW_ASSIGN_OR_RAISE(Placement placement, PlaceLiteral(source, literal, value.type));
  const Value plain = Plain(value);
  if (placement.kind == Kind::kExact) {
    return CompareScalar(source, offset, op, plain, std::move(placement.scalar));
  }
  // The literal lies strictly between two values, or beyond all: equality is decided, order by the
  // floor.
  if (op == CompareOp::kEqual || op == CompareOp::kNotEqual) {
    return Constant(offset, plain, op == CompareOp::kNotEqual);
  }
  const bool greater = op == CompareOp::kGreater || op == CompareOp::kGreaterEqual;
  if (placement.kind != Kind::kBetween) {
    return Constant(offset, plain, greater == (placement.kind == Kind::kBelowAll));
  }
  return CompareScalar(source, offset, greater ? CompareOp::kGreater : CompareOp::kLessEqual, plain,
                       std::move(placement.scalar));
}

bool IsNull(const Value& value) { return value.type->id() == arrow::Type::NA; }

// The form among whose values a literal is placed: the plain one, but that a literal beside half
// floats takes their precision.
Value ForLiteral(const Value& value) {
  return value.type->id() == arrow::Type::HALF_FLOAT ? value : Plain(value);
}

// Makes `literal` what a literal of the list is elsewhere in a text.
arrow::Status ReadItem(const SourceText& source, const ListItem& item, Node* literal) {
  literal->offset = item.offset;
  switch (item.kind) {
    case ListItem::Kind::kNumber:
      literal->kind = NodeKind::kNumber;
      literal->text.assign(item.negative ? 1 : 0, '-').append(item.text);
      break;
    case ListItem::Kind::kString:
      literal->kind = NodeKind::kString;
      literal->text = Unquote(item.text);
      break;
    case ListItem::Kind::kTypedString:
      literal->kind = NodeKind::kTypedString;
      literal->text = Unquote(item.text);
      literal->type.name = ToLower(item.type);
      break;
    case ListItem::Kind::kBinary: {
      literal->kind = NodeKind::kBinary;
      ARROW_ASSIGN_OR_RAISE(literal->text, ParseBinary(source, item.offset, item.text));
      break;
    }
    case ListItem::Kind::kBoolean:
      literal->kind = NodeKind::kBoolean;
      literal->flag = EqualsIgnoreCase(item.text, "true");
      break;
    case ListItem::Kind::kNull:
      literal->kind = NodeKind::kNull;
      break;
  }
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::Array>> ValueSet(const SourceText& source, const TypePtr& type,
                                                      const LiteralList& list,
                                                      const TypePtr& plain) {
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(plain));
  ARROW_RETURN_NOT_OK(builder->Reserve(static_cast<int64_t>(list.size())));
  Node literal{.kind = NodeKind::kNull, .offset = 0};
  for (const ListItem& item : list) {
    ARROW_RETURN_NOT_OK(ReadItem(source, item, &literal));
    if (literal.kind == NodeKind::kNull) {
      ARROW_RETURN_NOT_OK(builder->AppendNull());
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(Placement placement, PlaceLiteral(source, literal, type));
    if (placement.kind != Kind::kExact) continue;  // equals no value of the column
    ARROW_RETURN_NOT_OK(builder->AppendScalar(*placement.scalar));
  }
  return builder->Finish();
}

}  // namespace

CompareOp ParseCompareOp(std::string_view symbol) {
  if (symbol == "=") return CompareOp::kEqual;
  if (symbol == "<>") return CompareOp::kNotEqual;
  if (symbol == "<") return CompareOp::kLess;
  if (symbol == "<=") return CompareOp::kLessEqual;
  return symbol == ">" ? CompareOp::kGreater : CompareOp::kGreaterEqual;
}

arrow::Result<Value> Compare(const SourceText& source, uint32_t offset, CompareOp op,
                             const Value& left, const Value& right) {
  if (IsNull(left) || IsNull(right)) return NullValue(arrow::boolean(), offset);
  if (right.literal != nullptr) {
    return CompareLiteral(source, offset, op, ForLiteral(left), *right.literal);
  }
  if (left.literal != nullptr) {
    return CompareLiteral(source, offset, Mirror(op), ForLiteral(right), *left.literal);
  }
  Value l = Plain(left), r = Plain(right);
  TypePtr common = CommonType(l.type, r.type);
  if (common == nullptr) {
    return source.ErrorAt(
        offset, "cannot compare " + left.type->ToString() + " with " + right.type->ToString());
  }
  l = CastTo(l, common);
  r = CastTo(r, common);
  ARROW_ASSIGN_OR_RAISE(Value result, MakeCall(source, offset, KernelName(op), {l, r}));
  if (IsFloating(common)) result.expression = CompareFloats(op, l.expression, r.expression);
  return result;
}

arrow::Result<Value> Distinct(const SourceText& source, uint32_t offset, const Value& left,
                              const Value& right) {
  auto is_null = [](const Value& value) {
    return cp::call("is_null", {value.expression}, cp::NullOptions());
  };
  if (IsNull(left)) return BooleanCall(offset, "is_valid", {right.expression});
  if (IsNull(right)) return BooleanCall(offset, "is_valid", {left.expression});
  ARROW_ASSIGN_OR_RAISE(Value equal, Compare(source, offset, CompareOp::kEqual, left, right));
  auto same = cp::call("coalesce", {equal.expression, And(is_null(left), is_null(right))});
  return BooleanCall(offset, "invert", {std::move(same)});
}

arrow::Result<Value> InLiterals(const SourceText& source, uint32_t offset, const Value& value,
                                const LiteralList& list) {
  if (IsNull(value)) return NullValue(arrow::boolean(), offset);
  const Value typed = ForLiteral(value);
  const Value plain = Plain(typed);
  ARROW_ASSIGN_OR_RAISE(auto set, ValueSet(source, typed.type, list, plain.type));
  if (set->length() == 0) return Constant(offset, plain, false);
  cp::Expression operand = plain.expression;
  if (IsFloating(plain.type)) {  // hashing tells -0.0 from 0.0; adding 0.0 makes both the latter
    ARROW_ASSIGN_OR_RAISE(auto zero, arrow::MakeScalar(0.0)->CastTo(plain.type));
    ARROW_ASSIGN_OR_RAISE(arrow::Datum positive, cp::Add(set, zero));
    set = positive.make_array();
    operand = cp::call("add", {operand, cp::literal(zero)});
  }
  return BooleanCall(
      offset, "is_in", {std::move(operand)},
      std::make_shared<cp::SetLookupOptions>(std::move(set), cp::SetLookupOptions::INCONCLUSIVE));
}

}  // namespace pilum::filter
