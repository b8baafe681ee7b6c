#include "filter/binder.h"

#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include <arrow/compute/api_scalar.h>

#include "error/nearest_name.h"
#include "filter/arithmetic.h"
#include "filter/cast.h"
#include "filter/coercion.h"
#include "filter/column_lookup.h"
#include "filter/comparison.h"
#include "filter/functions.h"
#include "filter/literal.h"
#include "filter/program_builder.h"

namespace pilum::filter {
namespace {

// All of `terms` under an associative function, as a tree of logarithmic depth.
cp::Expression Balanced(const std::string& function, std::vector<cp::Expression> terms) {
  while (terms.size() > 1) {
    size_t kept = 0;
    for (size_t i = 0; i < terms.size(); i += 2) {
      cp::Expression term =
          i + 1 < terms.size() ? cp::call(function, {terms[i], terms[i + 1]}) : terms[i];
      terms[kept++] = std::move(term);
    }
    terms.resize(kept);
  }
  return std::move(terms.front());
}

class Binder {
 public:
  Binder(const SourceText& source, const arrow::Schema& schema)
      : source_(source), schema_(schema), program_(source) {}

  arrow::Result<std::unique_ptr<const Program>> Run(const Node& root, bool predicate) {
    ARROW_RETURN_NOT_OK(ResolveColumns(root));
    ARROW_ASSIGN_OR_RAISE(Value result, BindNode(root));
    if (predicate) {
      if (!IsBoolean(result)) {
        return source_.ErrorAt(
            root.offset, "the filter does not return a boolean but " + result.type->ToString());
      }
      result = CastTo(result, arrow::boolean());
    }
    program_.AddStep(std::move(result));
    return program_.Finish();
  }

 private:
  // Collects what is read first: the places of steps behind the inputs are fixed from then on.
  arrow::Status ResolveColumns(const Node& root) {
    std::map<std::vector<std::string>, TypePtr> columns;
    ARROW_RETURN_NOT_OK(CollectColumns(root, &columns));
    std::map<std::vector<std::string>, size_t> places;
    for (auto& [path, type] : columns) places[path] = program_.AddInput({path, type});
    for (const auto& [node, path] : paths_) places_[node] = places[path];
    return arrow::Status::OK();
  }

  arrow::Status CollectColumns(const Node& node, std::map<std::vector<std::string>, TypePtr>* out) {
    if (node.kind == NodeKind::kColumn) {
      ARROW_ASSIGN_OR_RAISE(Input column, FindColumn(source_, node, schema_));
      paths_[&node] = column.path;
      out->emplace(std::move(column.path), std::move(column.type));
    }
    for (const NodePtr& arg : node.args) ARROW_RETURN_NOT_OK(CollectColumns(*arg, out));
    return arrow::Status::OK();
  }

  arrow::Result<Value> BindNode(const Node& node) {
    switch (node.kind) {
      case NodeKind::kColumn:
        return program_.InputAt(places_.at(&node), node.offset);
      case NodeKind::kAnd:
        return Logic(node, "and_kleene");
      case NodeKind::kOr:
        return Logic(node, "or_kleene");
      case NodeKind::kNot:
        return Not(node);
      case NodeKind::kIsNull:
        return IsNull(node);
      case NodeKind::kIsTrue:
      case NodeKind::kIsFalse:
      case NodeKind::kIsUnknown:
        return BooleanTest(node);
      case NodeKind::kCompare:
        return Comparison(node);
      case NodeKind::kDistinct:
        return DistinctFrom(node);
      case NodeKind::kBetween:
        return Between(node);
      case NodeKind::kIn:
        return In(node);
      case NodeKind::kLike:
        return LikePattern(node);
      case NodeKind::kArithmetic:
        return BinaryArithmetic(node);
      case NodeKind::kNegate:
        return Sign(node);
      case NodeKind::kCase:
        return Case(node);
      case NodeKind::kCast:
        return Cast(node);
      case NodeKind::kFunction:
        return Call(node);
      default:
        return Literal(node);
    }
  }

  arrow::Result<Value> Literal(const Node& node) {
    TypePtr type = DefaultType(node);
    Value value{{}, type, node.offset, &node};
    if (node.kind == NodeKind::kNull) {
      value.expression = cp::literal(arrow::MakeNullScalar(type));
      return value;
    }
    ARROW_ASSIGN_OR_RAISE(Placement placement, PlaceLiteral(source_, node, type));
    if (placement.kind != Placement::Kind::kExact) {
      return source_.ErrorAt(node.offset, "this value is out of range");
    }
    value.expression = cp::literal(std::move(placement.scalar));
    return value;
  }

  arrow::Result<Value> BindBoolean(const Node& node, const char* where) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindNode(node));
    if (!IsBoolean(value)) {
      return source_.ErrorAt(
          node.offset, std::string(where) + " needs a boolean, this is " + value.type->ToString());
    }
    return CastTo(value, arrow::boolean());
  }

  // An operand that will be used more than once.
  arrow::Result<Value> BindReusable(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindNode(node));
    return program_.Reusable(std::move(value));
  }

  // Where a row must not reach an operation that can fail (the other branch of a CASE, the right of
  // an AND that is FALSE already), the operation sees NULL instead of its operand.
  Value Guarded(Value value) const {
    if (!guard_) return value;
    value.expression = cp::call(
        "if_else", {*guard_, value.expression, cp::literal(arrow::MakeNullScalar(value.type))});
    value.literal = nullptr;
    return value;
  }

  // A step of its own for what can fail: errors of the evaluation then point at it.
  arrow::Result<Value> Located(arrow::Result<Value> value) {
    ARROW_RETURN_NOT_OK(value);
    return program_.AddStep(*std::move(value));
  }

  // Binds `node` so that its failing operations run only in rows where `condition`, never NULL,
  // holds.
  arrow::Result<Value> BindUnder(const Value& condition, const Node& node) {
    std::optional<cp::Expression> outer = guard_;
    Value guard = condition;
    if (outer) guard = BooleanCall(node.offset, "and_kleene", {*outer, guard.expression});
    guard_ = program_.Reusable(std::move(guard)).expression;
    auto bound = BindNode(node);
    guard_ = std::move(outer);
    return bound;
  }

  arrow::Result<Value> Logic(const Node& node, const char* function) {
    const bool is_and = node.kind == NodeKind::kAnd;
    const char* where = is_and ? "AND" : "OR";
    std::vector<cp::Expression> terms;
    for (const NodePtr& arg : node.args) {
      if (!arg->can_fail || terms.empty()) {
        ARROW_ASSIGN_OR_RAISE(Value term, BindBoolean(*arg, where));
        terms.push_back(std::move(term.expression));
        continue;
      }
      Value so_far =
          program_.Reusable({Balanced(function, std::move(terms)), arrow::boolean(), arg->offset});
      auto open = cp::call("coalesce", {so_far.expression, cp::literal(is_and)});
      if (!is_and) open = cp::call("invert", {std::move(open)});
      ARROW_ASSIGN_OR_RAISE(Value term,
                            BindUnder({std::move(open), arrow::boolean(), arg->offset}, *arg));
      if (!IsBoolean(term)) {
        return source_.ErrorAt(
            arg->offset, std::string(where) + " needs a boolean, this is " + term.type->ToString());
      }
      terms = {so_far.expression, CastTo(term, arrow::boolean()).expression};
    }
    return Value{Balanced(function, std::move(terms)), arrow::boolean(), node.offset};
  }

  arrow::Result<Value> Not(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindBoolean(*node.args[0], "NOT"));
    return BooleanCall(node.offset, "invert", {value.expression});
  }

  arrow::Result<Value> IsNull(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindNode(*node.args[0]));
    return BooleanCall(node.offset, "is_null", {value.expression},
                       std::make_shared<cp::NullOptions>());
  }

  arrow::Result<Value> BooleanTest(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindBoolean(*node.args[0], "IS TRUE, FALSE or UNKNOWN"));
    if (node.kind == NodeKind::kIsUnknown) {
      return BooleanCall(node.offset, "is_null", {value.expression},
                         std::make_shared<cp::NullOptions>());
    }
    cp::Expression tested = value.expression;
    if (node.kind == NodeKind::kIsFalse) tested = cp::call("invert", {tested});
    return BooleanCall(node.offset, "coalesce", {tested, cp::literal(false)});
  }

  arrow::Result<Value> Comparison(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value left, BindReusable(*node.args[0]));
    ARROW_ASSIGN_OR_RAISE(Value right, BindReusable(*node.args[1]));
    auto result = Compare(source_, node.offset, ParseCompareOp(node.text), left, right);
    if (result.ok()) return result;
    for (const auto& arg : node.args) {
      if (arg->path.empty()) continue;
      return result.status().WithMessage(result.status().message(), " (column '", arg->path.back(),
                                         "')");
    }
    return result;
  }

  arrow::Result<Value> DistinctFrom(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value left, BindReusable(*node.args[0]));
    ARROW_ASSIGN_OR_RAISE(Value right, BindReusable(*node.args[1]));
    return Distinct(source_, node.offset, left, right);
  }

  arrow::Result<Value> Between(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindReusable(*node.args[0]));
    ARROW_ASSIGN_OR_RAISE(Value low, BindReusable(*node.args[1]));
    ARROW_ASSIGN_OR_RAISE(Value high, BindReusable(*node.args[2]));
    ARROW_ASSIGN_OR_RAISE(Value above,
                          Compare(source_, node.offset, CompareOp::kGreaterEqual, value, low));
    ARROW_ASSIGN_OR_RAISE(Value below,
                          Compare(source_, node.offset, CompareOp::kLessEqual, value, high));
    return BooleanCall(node.offset, "and_kleene", {above.expression, below.expression});
  }

  arrow::Result<Value> In(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindReusable(*node.args[0]));
    if (node.list != nullptr) return InLiterals(source_, node.offset, value, *node.list);
    std::vector<cp::Expression> terms;
    for (size_t i = 1; i < node.args.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(Value item, BindReusable(*node.args[i]));
      ARROW_ASSIGN_OR_RAISE(Value equal,
                            Compare(source_, node.offset, CompareOp::kEqual, value, item));
      terms.push_back(std::move(equal.expression));
    }
    return Value{Balanced("or_kleene", std::move(terms)), arrow::boolean(), node.offset};
  }

  arrow::Result<Value> LikePattern(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindNode(*node.args[0]));
    return Like(source_, node, value);
  }

  arrow::Result<Value> BinaryArithmetic(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value left, BindNode(*node.args[0]));
    ARROW_ASSIGN_OR_RAISE(Value right, BindNode(*node.args[1]));
    if (left.literal == nullptr) {
      left = Guarded(std::move(left));
    } else {
      right = Guarded(std::move(right));
    }
    return Located(Arithmetic(source_, &program_, node.offset, node.text[0], left, right));
  }

  arrow::Result<Value> Sign(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindNode(*node.args[0]));
    if (!node.flag) return Located(Negate(source_, node.offset, Guarded(std::move(value))));
    if (IsNumeric(value.type)) return value;
    return source_.ErrorAt(node.offset, "'+' needs a number, this is " + value.type->ToString());
  }

  arrow::Result<Value> Cast(const Node& node) {
    ARROW_ASSIGN_OR_RAISE(Value value, BindNode(*node.args[0]));
    return Located(CastToNamedType(source_, node.offset, Guarded(std::move(value)), node.type));
  }

  arrow::Result<Value> Case(const Node& node) {
    std::optional<Value> operand;
    if (node.flag) {
      ARROW_ASSIGN_OR_RAISE(operand, BindReusable(*node.args[0]));
    }
    // Only where something can fail are rows kept out of the branches that are not theirs.
    std::optional<Value> open;  // rows that no earlier branch took
    if (node.can_fail) open = Value{cp::literal(true), arrow::boolean(), node.offset};
    std::vector<cp::Expression> conditions;
    std::vector<Value> results;
    size_t i = node.flag;
    for (; i + 1 < node.args.size(); i += 2) {
      ARROW_ASSIGN_OR_RAISE(Value taken, CaseCondition(*node.args[i], operand, open));
      if (open) {
        taken = program_.AddStep(
            BooleanCall(taken.offset, "coalesce", {taken.expression, cp::literal(false)}));
        Value here = BooleanCall(taken.offset, "and_kleene", {open->expression, taken.expression});
        ARROW_ASSIGN_OR_RAISE(Value result, BindUnder(here, *node.args[i + 1]));
        results.push_back(std::move(result));
        auto passed = cp::call("invert", {taken.expression});
        open = program_.AddStep(BooleanCall(node.offset, "and_kleene", {open->expression, passed}));
      } else {
        ARROW_ASSIGN_OR_RAISE(Value result, BindNode(*node.args[i + 1]));
        results.push_back(std::move(result));
      }
      conditions.push_back(taken.expression);
    }
    ARROW_ASSIGN_OR_RAISE(Value otherwise,
                          open ? BindUnder(*open, *node.args[i]) : BindNode(*node.args[i]));
    results.push_back(std::move(otherwise));
    return Choose(node, std::move(conditions), std::move(results));
  }

  arrow::Result<Value> CaseCondition(const Node& node, const std::optional<Value>& operand,
                                     const std::optional<Value>& open) {
    ARROW_ASSIGN_OR_RAISE(Value value, open ? BindUnder(*open, node) : BindNode(node));
    if (operand) {
      return Compare(source_, node.offset, CompareOp::kEqual, *operand,
                     program_.Reusable(std::move(value)));
    }
    if (IsBoolean(value)) return CastTo(value, arrow::boolean());
    return source_.ErrorAt(node.offset, "WHEN needs a boolean, this is " + value.type->ToString());
  }

  arrow::Result<Value> Choose(const Node& node, std::vector<cp::Expression> conditions,
                              std::vector<Value> results) {
    ARROW_ASSIGN_OR_RAISE(results, Unify(source_, std::move(results)));
    if (results[0].type->id() == arrow::Type::NA) return NullValue(arrow::null(), node.offset);
    std::vector<std::string> names(conditions.size());
    arrow::FieldVector fields;
    for (size_t i = 0; i < names.size(); ++i) {
      names[i] = std::to_string(i);
      fields.push_back(arrow::field(names[i], arrow::boolean()));
    }
    Value cases{cp::call("make_struct", std::move(conditions), cp::MakeStructOptions(names)),
                arrow::struct_(fields), node.offset};
    results.insert(results.begin(), std::move(cases));
    return MakeCall(source_, node.offset, "case_when", results);
  }

  arrow::Result<Value> Call(const Node& node) {
    const Function* function = FindFunction(node.text);
    if (function == nullptr) {
      std::string nearest = NearestName(node.text, FunctionNames());
      return source_.ErrorAt(node.offset,
                             "there is no function " + node.text + "()" +
                                 (nearest.empty() ? "" : "; did you mean " + nearest + "()?"));
    }
    if (node.args.size() < function->min_args || node.args.size() > function->max_args) {
      return source_.ErrorAt(node.offset, node.text + "() does not take " +
                                              std::to_string(node.args.size()) + " arguments");
    }
    FunctionCall call{source_, node, program_, {}};
    if (function->evaluation == Evaluation::kUntilValid) {
      ARROW_ASSIGN_OR_RAISE(call.args, BindUntilValid(node));
      return function->bind(call);
    }
    const bool can_fail = function->evaluation == Evaluation::kCanFail;
    for (const NodePtr& arg : node.args) {
      ARROW_ASSIGN_OR_RAISE(Value value, BindNode(*arg));
      call.args.push_back(can_fail ? Guarded(std::move(value)) : std::move(value));
    }
    return can_fail ? Located(function->bind(call)) : function->bind(call);
  }

  // The arguments of `node`, each evaluated only in rows where all before it are NULL, if it can
  // fail.
  arrow::Result<std::vector<Value>> BindUntilValid(const Node& node) {
    std::vector<Value> values;
    std::optional<Value> open;
    for (const NodePtr& arg : node.args) {
      ARROW_ASSIGN_OR_RAISE(Value value,
                            open && arg->can_fail ? BindUnder(*open, *arg) : BindNode(*arg));
      if (node.can_fail) {
        value = program_.Reusable(std::move(value));
        auto missing = cp::call("is_null", {value.expression}, cp::NullOptions());
        if (open) missing = cp::call("and_kleene", {open->expression, std::move(missing)});
        open = program_.AddStep({std::move(missing), arrow::boolean(), arg->offset});
      }
      values.push_back(std::move(value));
    }
    return values;
  }

  const SourceText& source_;
  const arrow::Schema& schema_;
  std::unordered_map<const Node*, std::vector<std::string>> paths_;
  std::unordered_map<const Node*, size_t> places_;
  std::optional<cp::Expression> guard_;
  ProgramBuilder program_;
};

}  // namespace

arrow::Result<std::unique_ptr<const Program>> Bind(const SourceText& source, const Node& root,
                                                   const arrow::Schema& schema, bool predicate) {
  return Binder(source, schema).Run(root, predicate);
}

}  // namespace pilum::filter
