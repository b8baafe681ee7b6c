#include "filter/parser.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>

#include <arrow/result.h>
#include <pg_query.h>
#include <nlohmann/json.hpp>

#include "error/nearest_name.h"
#include "filter/functions.h"

namespace pilum::filter {
namespace {

using Json = nlohmann::json;

// Lookups that cannot throw: whatever is missing is null.
const Json& Member(const Json& object, const char* name) {
  static const Json kAbsent;
  auto found = object.find(name);  // end() also when `object` is no object
  return found == object.end() ? kAbsent : *found;
}

std::string Text(const Json& value) {
  return value.is_string() ? value.get_ref<const std::string&>() : std::string();
}

// {"String": {"sval": "x"}} to x.
std::string NameIn(const Json& value) { return Text(Member(Member(value, "String"), "sval")); }

bool HasOnly(const Json& object, std::initializer_list<std::string_view> names) {
  for (const auto& item : object.items()) {
    if (std::find(names.begin(), names.end(), item.key()) == names.end()) return false;
  }
  return true;
}

class TreeReader {
 public:
  TreeReader(const SourceText& source, const PreparedSql& prepared)
      : source_(source), prepared_(prepared) {}

  arrow::Result<NodePtr> Expression(const Json& json) {
    if (!json.is_object() || json.size() != 1) return NotSupported(last_offset_, "this");
    const std::string& kind = json.begin().key();
    const Json& body = json.begin().value();
    if (body.contains("location")) last_offset_ = TokenAt(body).offset;
    if (kind == "A_Const") return Constant(body);
    if (kind == "ColumnRef") return Column(body);
    if (kind == "BoolExpr") return Logic(body);
    if (kind == "A_Expr") return Operator(body);
    if (kind == "NullTest") return NullTest(body);
    if (kind == "BooleanTest") return BooleanTest(body);
    if (kind == "TypeCast") return Cast(body);
    if (kind == "CaseExpr") return Case(body);
    if (kind == "FuncCall") return Function(body);
    if (kind == "CoalesceExpr") return Call(body, "coalesce", Member(body, "args"));
    if (kind == "A_Indirection") return Subscript(body);
    if (kind == "SubLink") return NotSupported(last_offset_, "a subquery");
    if (kind == "SQLValueFunction") {
      const Token& token = TokenAt(body);
      return NotSupported(last_offset_, "the value " + std::string(TextOf(token)));
    }
    return NotSupported(last_offset_, "this kind of expression");
  }

 private:
  arrow::Status NotSupported(uint32_t offset, const std::string& what) const {
    return source_.ErrorAt(offset, what + " is not supported here");
  }

  // The token at a node's location; typed literals have none, so the one read last stands in.
  const Token& TokenAt(const Json& body) const {
    const Json& location = Member(body, "location");
    int64_t offset = location.is_number_integer() ? location.get<int64_t>() : -1;
    auto after = std::upper_bound(prepared_.tokens.begin(), prepared_.tokens.end(), offset,
                                  [](int64_t at, const Token& t) { return at < t.prepared; });
    return after == prepared_.tokens.begin() ? prepared_.tokens.front() : *std::prev(after);
  }

  size_t IndexOf(const Token& token) const { return &token - prepared_.tokens.data(); }

  std::string_view TextOf(const Token& token) const {
    return source_.text().substr(token.offset, token.length);
  }

  std::string NameOf(const Token& token) const {
    return token.kind == TokenKind::kQuotedName ? Unquote(TextOf(token))
                                                : std::string(TextOf(token));
  }

  std::unique_ptr<Node> Make(NodeKind kind, const Json& body) const {
    return std::make_unique<Node>(Node{.kind = kind, .offset = TokenAt(body).offset});
  }

  static std::unique_ptr<Node> Make(NodeKind kind, uint32_t offset) {
    return std::make_unique<Node>(Node{.kind = kind, .offset = offset});
  }

  static void Add(Node* parent, NodePtr child) {
    parent->can_fail |= child->can_fail;
    parent->args.push_back(std::move(child));
  }

  arrow::Status Add(Node* parent, const Json& child) {
    ARROW_ASSIGN_OR_RAISE(NodePtr node, Expression(child));
    Add(parent, std::move(node));
    return arrow::Status::OK();
  }

  arrow::Status AddAll(Node* parent, const Json& children) {
    for (const Json& child : children) ARROW_RETURN_NOT_OK(Add(parent, child));
    return arrow::Status::OK();
  }

  static NodePtr NotIf(bool negated, NodePtr node) {
    if (!negated) return node;
    auto result = Make(NodeKind::kNot, node->offset);
    Add(result.get(), std::move(node));
    return result;
  }

  arrow::Result<NodePtr> Constant(const Json& body) {
    if (Member(body, "isnull") == true) return Make(NodeKind::kNull, body);
    if (body.contains("boolval")) {
      auto node = Make(NodeKind::kBoolean, body);
      node->flag = Member(Member(body, "boolval"), "boolval") == true;
      return node;
    }
    if (body.contains("sval")) {
      auto node = Make(NodeKind::kString, body);
      node->text = Text(Member(Member(body, "sval"), "sval"));
      return node;
    }
    if (body.contains("bsval")) return Binary(body);
    return Number(body);
  }

  // Taken from the source: the tree leaves the values of negative integers out.
  arrow::Result<NodePtr> Number(const Json& body) {
    auto node = Make(NodeKind::kNumber, body);
    bool negative = false;
    for (size_t i = IndexOf(TokenAt(body)); i < prepared_.tokens.size(); ++i) {
      const Token& token = prepared_.tokens[i];
      if (token.kind == TokenKind::kNumber) {
        node->text = (negative ? "-" : "") + std::string(TextOf(token));
        return node;
      }
      if (TextOf(token) == "-") {
        negative = !negative;
      } else if (TextOf(token) != "(") {
        break;
      }
    }
    return NotSupported(node->offset, "this number");
  }

  arrow::Result<NodePtr> Binary(const Json& body) {
    // Its location is that of a sign before it.
    auto token =
        std::find_if(prepared_.tokens.begin() + IndexOf(TokenAt(body)), prepared_.tokens.end(),
                     [](const Token& t) { return t.kind == TokenKind::kBinary; });
    if (token == prepared_.tokens.end()) return NotSupported(last_offset_, "this binary value");
    auto node = Make(NodeKind::kBinary, token->offset);
    ARROW_ASSIGN_OR_RAISE(node->text, ParseBinary(source_, token->offset, TextOf(*token)));
    return node;
  }

  // The names come from the source: the tree has them folded to lower case and cut.
  arrow::Result<NodePtr> Column(const Json& body) {
    auto node = Make(NodeKind::kColumn, body);
    size_t index = IndexOf(TokenAt(body));
    for (const Json& field : Member(body, "fields")) {
      if (field.contains("A_Star") || index >= prepared_.tokens.size()) {
        return NotSupported(node->offset, "'*'");
      }
      node->path.push_back(NameOf(prepared_.tokens[index]));
      index += 2;  // past the dot
    }
    after_column_ = index - 1;
    node->flag = prepared_.tokens[IndexOf(TokenAt(body))].kind == TokenKind::kQuotedName &&
                 source_.text()[node->offset] == '"';
    return node;
  }

  // column['child'] and column['child'].grandchild
  arrow::Result<NodePtr> Subscript(const Json& body) {
    ARROW_ASSIGN_OR_RAISE(NodePtr base, Expression(Member(body, "arg")));
    auto node = Make(NodeKind::kColumn, base->offset);
    node->path = base->path;
    for (const Json& step : Member(body, "indirection")) {
      const Json& key = Member(Member(Member(step, "A_Indices"), "uidx"), "A_Const");
      const bool is_name = step.contains("String");
      if (base->kind != NodeKind::kColumn || !(is_name || key.contains("sval"))) {
        return NotSupported(base->offset, "[…] other than column['child']");
      }
      PassToken(is_name ? "." : "]");
      if (is_name && after_column_ < prepared_.tokens.size()) {
        node->path.push_back(NameOf(prepared_.tokens[after_column_++]));
      } else {
        node->path.push_back(Text(Member(Member(key, "sval"), "sval")));
      }
    }
    return node;
  }

  // Moves behind the next `text` after the column read last.
  void PassToken(std::string_view text) {
    while (after_column_ < prepared_.tokens.size() &&
           TextOf(prepared_.tokens[after_column_++]) != text) {
    }
  }

  arrow::Result<NodePtr> Logic(const Json& body) {
    const std::string op = Text(Member(body, "boolop"));
    auto kind = op == "AND_EXPR"  ? NodeKind::kAnd
                : op == "OR_EXPR" ? NodeKind::kOr
                                  : NodeKind::kNot;
    auto node = Make(kind, body);
    ARROW_RETURN_NOT_OK(AddAll(node.get(), Member(body, "args")));
    return node;
  }

  arrow::Result<NodePtr> NullTest(const Json& body) {
    auto node = Make(NodeKind::kIsNull, body);
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "arg")));
    return NotIf(Text(Member(body, "nulltesttype")) == "IS_NOT_NULL", std::move(node));
  }

  arrow::Result<NodePtr> BooleanTest(const Json& body) {
    const std::string test = Text(Member(body, "booltesttype"));
    auto ends_with = [&](std::string_view end) {
      return test.size() >= end.size() && test.substr(test.size() - end.size()) == end;
    };
    auto kind = ends_with("TRUE")    ? NodeKind::kIsTrue
                : ends_with("FALSE") ? NodeKind::kIsFalse
                                     : NodeKind::kIsUnknown;
    auto node = Make(kind, body);
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "arg")));
    return NotIf(test.rfind("IS_NOT", 0) == 0, std::move(node));
  }

  arrow::Result<NodePtr> Operator(const Json& body) {
    const std::string kind = Text(Member(body, "kind"));
    const Json& names = Member(body, "name");
    const std::string op = names.size() == 1 ? NameIn(names[0]) : "";
    if (kind == "AEXPR_OP") return Symbol(body, op);
    if (kind == "AEXPR_IN") return In(body, op == "<>");
    if (kind == "AEXPR_LIKE" || kind == "AEXPR_ILIKE") return Like(body, op[0] == '!');
    if (kind == "AEXPR_BETWEEN") return Between(body, false);
    if (kind == "AEXPR_NOT_BETWEEN") return Between(body, true);
    if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") {
      ARROW_ASSIGN_OR_RAISE(auto node, Operands(NodeKind::kDistinct, body));
      return NotIf(kind == "AEXPR_NOT_DISTINCT", std::move(node));
    }
    if (kind == "AEXPR_NULLIF") {
      ARROW_ASSIGN_OR_RAISE(auto node, Operands(NodeKind::kFunction, body));
      node->text = "nullif";
      return node;
    }
    if (kind == "AEXPR_OP_ANY" && op == "=") {  // value = ANY(list)
      auto node = Make(NodeKind::kFunction, body);
      node->text = "array_has";
      ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "rexpr")));
      ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "lexpr")));
      return node;
    }
    return NotSupported(TokenAt(body).offset, "the operator " + op);
  }

  arrow::Result<std::unique_ptr<Node>> Operands(NodeKind kind, const Json& body) {
    auto node = Make(kind, body);
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "lexpr")));
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "rexpr")));
    return node;
  }

  arrow::Result<NodePtr> Symbol(const Json& body, const std::string& op) {
    auto is_one_of = [&](std::initializer_list<std::string_view> ops) {
      return std::find(ops.begin(), ops.end(), op) != ops.end();
    };
    if (!body.contains("lexpr")) return Sign(body, op);
    if (is_one_of({"=", "<>", "<", "<=", ">", ">="})) {
      ARROW_ASSIGN_OR_RAISE(auto node, Operands(NodeKind::kCompare, body));
      node->text = op;
      return node;
    }
    if (is_one_of({"+", "-", "*", "/", "%"})) {
      ARROW_ASSIGN_OR_RAISE(auto node, Operands(NodeKind::kArithmetic, body));
      node->text = op;
      node->can_fail = true;
      return node;
    }
    if (op == "||") {
      ARROW_ASSIGN_OR_RAISE(auto node, Operands(NodeKind::kFunction, body));
      node->text = op;
      return node;
    }
    return NotSupported(TokenAt(body).offset, "the operator " + op);
  }

  arrow::Result<NodePtr> Sign(const Json& body, const std::string& op) {
    if (op != "+" && op != "-") return NotSupported(TokenAt(body).offset, "the operator " + op);
    auto node = Make(NodeKind::kNegate, body);
    node->can_fail = true;
    node->flag = op == "+";
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "rexpr")));
    return node;
  }

  arrow::Result<NodePtr> In(const Json& body, bool negated) {
    auto node = Make(NodeKind::kIn, body);
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "lexpr")));
    const Json& items = Member(Member(Member(body, "rexpr"), "List"), "items");
    const Json& number = Member(Member(items.empty() ? items : items[0], "ParamRef"), "number");
    if (number.is_number_unsigned()) {
      node->list = &prepared_.lists[number.get<size_t>() - 1];
    } else {
      ARROW_RETURN_NOT_OK(AddAll(node.get(), items));
    }
    return NotIf(negated, std::move(node));
  }

  arrow::Result<NodePtr> Between(const Json& body, bool negated) {
    auto node = Make(NodeKind::kBetween, body);
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "lexpr")));
    ARROW_RETURN_NOT_OK(AddAll(node.get(), Member(Member(Member(body, "rexpr"), "List"), "items")));
    return NotIf(negated, std::move(node));
  }

  arrow::Result<NodePtr> Like(const Json& body, bool negated) {
    auto node = Make(NodeKind::kLike, body);
    node->flag = Text(Member(body, "kind")) == "AEXPR_ILIKE";
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "lexpr")));
    const Json& pattern = Member(body, "rexpr");
    const Json& call = Member(pattern, "FuncCall");  // pattern ESCAPE character
    if (call.is_object() && Member(call, "funcname").size() == 2 &&
        NameIn(Member(call, "funcname")[1]) == "like_escape") {
      ARROW_RETURN_NOT_OK(AddAll(node.get(), Member(call, "args")));
    } else {
      ARROW_RETURN_NOT_OK(Add(node.get(), pattern));
    }
    return NotIf(negated, std::move(node));
  }

  arrow::Result<NodePtr> Cast(const Json& body) {
    const Json& type = Member(body, "typeName");
    ARROW_ASSIGN_OR_RAISE(TypeName name, Type(type));
    const bool temporal = name.name == "date" || name.name == "time" || name.name == "timestamp";
    const Json& text = Member(Member(Member(body, "arg"), "A_Const"), "sval");
    if (temporal && !text.is_null()) {
      auto node = Make(
          NodeKind::kTypedString,
          std::min(TokenAt(Member(Member(body, "arg"), "A_Const")).offset, TokenAt(type).offset));
      node->text = Text(Member(text, "sval"));
      node->type = std::move(name);
      return node;
    }
    auto node = Make(NodeKind::kCast, TokenAt(type).offset);
    node->type = std::move(name);
    ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "arg")));
    node->can_fail = true;
    return node;
  }

  arrow::Result<TypeName> Type(const Json& type) {
    const Token& token = TokenAt(type);
    TypeName result;
    result.name = ToLower(NameOf(token));
    const Json& names = Member(type, "names");
    const std::string resolved = names.empty() ? "" : NameIn(names.back());
    result.with_time_zone = resolved == "timestamptz" || resolved == "timetz";
    if (result.with_time_zone) result.name = resolved == "timetz" ? "timetz" : "timestamp";
    if (type.contains("arrayBounds") || type.contains("setof")) {
      return NotSupported(token.offset, "an array type");
    }
    for (const Json& modifier : Member(type, "typmods")) {
      const Json& value = Member(Member(Member(modifier, "A_Const"), "ival"), "ival");
      if (!Member(modifier, "A_Const").contains("ival")) {
        return NotSupported(token.offset, "this type parameter");
      }
      result.parameters.push_back(value.is_number_integer() ? value.get<int>() : 0);
    }
    return result;
  }

  arrow::Result<NodePtr> Case(const Json& body) {
    auto node = Make(NodeKind::kCase, body);
    if (body.contains("arg")) {
      node->flag = true;
      ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "arg")));
    }
    for (const Json& arm : Member(body, "args")) {
      const Json& when = Member(arm, "CaseWhen");
      ARROW_RETURN_NOT_OK(Add(node.get(), Member(when, "expr")));
      ARROW_RETURN_NOT_OK(Add(node.get(), Member(when, "result")));
    }
    if (body.contains("defresult")) {
      ARROW_RETURN_NOT_OK(Add(node.get(), Member(body, "defresult")));
    } else {
      Add(node.get(), Make(NodeKind::kNull, node->offset));
    }
    return node;
  }

  arrow::Result<NodePtr> Function(const Json& body) {
    const Token& token = TokenAt(body);
    if (!HasOnly(body, {"funcname", "args", "funcformat", "location"})) {
      return NotSupported(token.offset,
                          "an aggregate, DISTINCT, ORDER BY or OVER in a function call");
    }
    // Special syntax such as EXTRACT(… FROM …) resolves to a qualified name; none of it is known
    // here.
    const Json& names = Member(body, "funcname");
    if (names.size() != 1) return NotSupported(token.offset, NameOf(token) + "()");
    return Call(body, ToLower(NameOf(token)), Member(body, "args"));
  }

  arrow::Result<NodePtr> Call(const Json& body, std::string name, const Json& args) {
    auto node = Make(NodeKind::kFunction, body);
    node->text = std::move(name);
    ARROW_RETURN_NOT_OK(AddAll(node.get(), args));
    node->can_fail |= CanFail(node->text);
    return node;
  }

  const SourceText& source_;
  const PreparedSql& prepared_;
  uint32_t last_offset_ = 0;
  size_t after_column_ = 0;  // the token behind the column read last
};

// The token at PostgreSQL's position, a character of the prepared text from 1; null at the end of
// the text.
const Token* TokenAtCursor(const PreparedSql& prepared, int cursor) {
  size_t byte = 0;
  for (int characters = 0; byte < prepared.sql.size(); ++byte) {
    characters += (static_cast<unsigned char>(prepared.sql[byte]) & 0xC0) != 0x80;
    if (characters >= cursor) break;
  }
  if (byte >= prepared.sql.size()) return nullptr;
  auto after = std::upper_bound(prepared.tokens.begin(), prepared.tokens.end(), byte,
                                [](size_t at, const Token& t) { return at < t.prepared; });
  return after == prepared.tokens.begin() ? &prepared.tokens.front() : &*std::prev(after);
}

arrow::Status SyntaxError(const SourceText& source, const PreparedSql& prepared,
                          const PgQueryError& error) {
  const Token* token = TokenAtCursor(prepared, error.cursorpos);
  std::string message = error.message;
  if (token == nullptr) return source.ErrorAt(source.text().size(), message);
  if (message.rfind("syntax error", 0) == 0) {  // it would quote the prepared text
    std::string text(source.text().substr(token->offset, std::min<uint32_t>(token->length, 60)));
    message = "syntax error at " + text;
    if (token->kind == TokenKind::kName)
      message += "; a column of this name is written \"" + text + "\"";
  }
  return source.ErrorAt(token->offset, message);
}

}  // namespace

arrow::Result<NodePtr> ParseSql(const SourceText& source, const PreparedSql& prepared) {
  std::unique_ptr<PgQueryParseResult, void (*)(PgQueryParseResult*)> result(
      new PgQueryParseResult(pg_query_parse(prepared.sql.c_str())), [](PgQueryParseResult* r) {
        pg_query_free_parse_result(*r);
        delete r;
      });
  if (result->error != nullptr) {
    return SyntaxError(source, prepared, *result->error);
  }
  const Json tree = Json::parse(result->parse_tree, nullptr, /*allow_exceptions=*/false);
  const Json& statements = Member(tree, "stmts");
  const Json& select =
      Member(Member(statements.size() == 1 ? statements[0] : statements, "stmt"), "SelectStmt");
  const bool only_where = select.is_object() && Member(select, "targetList").size() == 1 &&
                          HasOnly(select, {"targetList", "whereClause", "limitOption", "op"});
  if (!only_where) return source.ErrorAt(0, "this is not a single expression");
  return TreeReader(source, prepared).Expression(Member(select, "whereClause"));
}

}  // namespace pilum::filter
