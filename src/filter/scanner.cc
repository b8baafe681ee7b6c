#include "filter/scanner.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include <arrow/util/utf8.h>

#include "error/nearest_name.h"

namespace pilum::filter {
namespace {

// Bounds of what the parser is asked to chew; lists of literals do not count.
constexpr size_t kMaxTextBytes = size_t{256} << 20;
constexpr size_t kMaxTokens = 200'000;
// Nodes of the tree below each other: parser, binder and Arrow recurse, also on small stacks.
constexpr uint32_t kMaxDepth = 400;
// PostgreSQL cuts longer names off.
constexpr size_t kMaxParserName = 63;

// Reserved by PostgreSQL for clauses that no filter has, hence free to be names of columns.
constexpr std::string_view kReservedNames[] = {
    "all",        "analyse",    "analyze",       "array",    "constraint",  "deferrable",
    "asc",        "asymmetric", "authorization", "binary",   "both",        "check",
    "collation",  "column",     "concurrently",  "create",   "cross",       "default",
    "desc",       "do",         "except",        "fetch",    "for",         "foreign",
    "freeze",     "full",       "grant",         "group",    "having",      "initially",
    "inner",      "intersect",  "into",          "join",     "lateral",     "leading",
    "left",       "limit",      "localtime",     "natural",  "offset",      "on",
    "only",       "order",      "outer",         "overlaps", "placing",     "primary",
    "references", "returning",  "right",         "table",    "tablesample", "to",
    "trailing",   "union",      "unique",        "user",     "using",       "variadic",
    "verbose",    "where",      "window"};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool StartsName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

// An upper bound of the depth of the syntax tree, kept while tokens pass by: within a bracket
// everything that can nest counts one; what stands side by side (AND, OR, commas, branches of CASE)
// starts anew.
class DepthMeter {
 public:
  DepthMeter() : levels_(1) {}

  bool Pass(TokenKind kind, std::string_view text) {
    if (kind == TokenKind::kSymbol) {
      if (text == "(" || text == "[") return Open();
      if (text == ")" || text == "]") return Close();
      if (text == ",") return Restart();
      return text == "." || Count();
    }
    if (kind != TokenKind::kName) return true;
    auto is = [&](std::string_view word) { return EqualsIgnoreCase(text, word); };
    if (is("case")) return Open();
    if (is("end")) return Close();
    if (is("between")) {
      ++levels_.back().open_betweens;
      return Count();
    }
    if (is("and") && levels_.back().open_betweens > 0) {
      --levels_.back().open_betweens;
      return true;
    }
    if (is("and") || is("or") || is("when") || is("then") || is("else")) return Restart();
    return Count();
  }

 private:
  struct Level {
    uint32_t nodes = 0;
    uint32_t open_betweens = 0;
  };

  bool Count() {
    ++levels_.back().nodes;
    return ++depth_ <= kMaxDepth;
  }
  bool Open() {
    if (!Count()) return false;
    levels_.emplace_back();
    return true;
  }
  bool Close() {
    depth_ -= levels_.back().nodes;
    if (levels_.size() > 1) {
      levels_.pop_back();
    } else {
      levels_.back().nodes = 0;  // unbalanced: the parser says so
    }
    return true;
  }
  bool Restart() {
    depth_ -= levels_.back().nodes;
    levels_.back().nodes = 0;
    return true;
  }

  std::vector<Level> levels_;
  uint32_t depth_ = 0;
};

class Scanner {
 public:
  explicit Scanner(const SourceText& source) : source_(source), text_(source.text()) {
    out_.sql = "SELECT 1 WHERE";
  }

  arrow::Result<PreparedSql> Run() {
    ARROW_RETURN_NOT_OK(CheckText());
    bool after_in = false;
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(std::optional<Token> token, Next());
      if (!token) break;
      std::string_view text = TextOf(*token);
      if (after_in && text == "(") {
        ARROW_ASSIGN_OR_RAISE(bool cut, CutLiteralList(*token));
        after_in = false;
        if (cut) continue;
      }
      if (!depth_.Pass(token->kind, text)) {
        return Error(*token, "the expression is nested too deeply");
      }
      after_in = token->kind == TokenKind::kName && EqualsIgnoreCase(text, "in");
      Emit(*token, Spelling(*token));
      if (out_.tokens.size() > kMaxTokens) {
        return Error(*token, "the expression is too long; write alternatives as an IN list");
      }
    }
    if (out_.tokens.empty()) return source_.ErrorAt(0, "the expression is empty");
    return std::move(out_);
  }

 private:
  arrow::Status CheckText() const {
    if (text_.size() > kMaxTextBytes) return source_.ErrorAt(0, "the text is longer than 256 MiB");
    if (size_t nul = text_.find('\0'); nul != text_.npos) {
      return source_.ErrorAt(nul, "the text contains a zero byte");
    }
    arrow::util::InitializeUTF8();
    if (!arrow::util::ValidateUTF8(text_)) return source_.ErrorAt(0, "the text is not UTF-8");
    return arrow::Status::OK();
  }

  arrow::Status Error(const Token& token, const std::string& message) const {
    return source_.ErrorAt(token.offset, message);
  }

  std::string_view TextOf(const Token& token) const {
    return text_.substr(token.offset, token.length);
  }

  char At(size_t pos) const { return pos < text_.size() ? text_[pos] : '\0'; }

  arrow::Status SkipBlanks() {
    for (;;) {
      while (IsSpace(At(pos_))) ++pos_;
      if (At(pos_) == '-' && At(pos_ + 1) == '-') {
        pos_ = std::min(text_.find('\n', pos_), text_.size());
      } else if (At(pos_) == '/' && At(pos_ + 1) == '*') {
        ARROW_RETURN_NOT_OK(SkipBlockComment());
      } else {
        return arrow::Status::OK();
      }
    }
  }

  arrow::Status SkipBlockComment() {
    const size_t begin = pos_;
    size_t open = 0;
    do {
      if (pos_ >= text_.size()) return source_.ErrorAt(begin, "this comment is not closed by */");
      if (At(pos_) == '/' && At(pos_ + 1) == '*') {
        ++open;
        pos_ += 2;
      } else if (At(pos_) == '*' && At(pos_ + 1) == '/') {
        --open;
        pos_ += 2;
      } else {
        ++pos_;
      }
    } while (open > 0);
    return arrow::Status::OK();
  }

  arrow::Result<std::optional<Token>> Next() {
    ARROW_RETURN_NOT_OK(SkipBlanks());
    if (pos_ >= text_.size()) return std::nullopt;
    const size_t begin = pos_;
    ARROW_ASSIGN_OR_RAISE(TokenKind kind, SkipToken());
    return Token{kind, static_cast<uint32_t>(begin), static_cast<uint32_t>(pos_ - begin), 0};
  }

  arrow::Result<TokenKind> SkipToken() {
    const char c = text_[pos_];
    const char next = At(pos_ + 1);
    if ((c == 'x' || c == 'X') && next == '\'') {
      ++pos_;
      ARROW_RETURN_NOT_OK(SkipQuoted('\''));
      return TokenKind::kBinary;
    }
    if (StartsName(c)) return SkipName();
    if (c == '"' || c == '`') {
      ARROW_RETURN_NOT_OK(SkipQuoted(c));
      return TokenKind::kQuotedName;
    }
    if (c == '\'') {
      ARROW_RETURN_NOT_OK(SkipQuoted(c));
      return TokenKind::kString;
    }
    if (IsDigit(c) || (c == '.' && IsDigit(next))) return SkipNumber();
    return SkipSymbol();
  }

  arrow::Result<TokenKind> SkipName() {
    const size_t begin = pos_;
    while (StartsName(At(pos_)) || IsDigit(At(pos_)) || At(pos_) == '$') ++pos_;
    if (pos_ - begin == 1 && At(pos_) == '\'') {
      return source_.ErrorAt(begin, "strings have no prefix, binary values are written X'61'");
    }
    return TokenKind::kName;
  }

  arrow::Status SkipQuoted(char quote) {
    const size_t begin = pos_;
    for (;;) {
      pos_ = text_.find(quote, pos_ + 1);
      if (pos_ == text_.npos) {
        return source_.ErrorAt(begin, std::string("the closing ") + quote + " is missing");
      }
      ++pos_;
      if (At(pos_) != quote) return arrow::Status::OK();
    }
  }

  arrow::Result<TokenKind> SkipNumber() {
    const size_t begin = pos_;
    auto skip_digits = [&] {
      while (IsDigit(At(pos_))) ++pos_;
    };
    skip_digits();
    if (At(pos_) == '.') {
      ++pos_;
      skip_digits();
    }
    if (At(pos_) == 'e' || At(pos_) == 'E') {
      size_t exponent = pos_ + 1 + (At(pos_ + 1) == '+' || At(pos_ + 1) == '-');
      if (IsDigit(At(exponent))) {
        pos_ = exponent;
        skip_digits();
      }
    }
    if (StartsName(At(pos_)) || At(pos_) == '.' || At(pos_) == '$') {
      return source_.ErrorAt(begin, "malformed number");
    }
    return TokenKind::kNumber;
  }

  arrow::Result<TokenKind> SkipSymbol() {
    for (std::string_view pair : {"<>", "<=", ">=", "!=", "==", "||", "::"}) {
      if (text_.substr(pos_, 2) == pair) {
        pos_ += 2;
        return TokenKind::kSymbol;
      }
    }
    const char c = text_[pos_];
    if (std::string_view("=<>+-*/%(),.[]").find(c) != std::string_view::npos) {
      ++pos_;
      return TokenKind::kSymbol;
    }
    if (c == ';') return source_.ErrorAt(pos_, "';' is not allowed: give one expression only");
    if (c == '$' || c == '?' || c == ':') {
      return source_.ErrorAt(pos_, "parameters are not supported; write the value itself");
    }
    if (c == '~')
      return source_.ErrorAt(pos_, "'~' is not supported; use regexp_match(text, pattern)");
    return source_.ErrorAt(pos_, std::string("unexpected character '") + c + "'");
  }

  // What the parser shall read for a token.
  std::string Spelling(const Token& token) const {
    std::string_view text = TextOf(token);
    switch (token.kind) {
      case TokenKind::kSymbol:
        if (text == "==") return "=";
        return text == "!=" ? "<>" : std::string(text);
      case TokenKind::kQuotedName:
        return Quoted(Unquote(text));
      case TokenKind::kName: {
        bool reserved = std::find(std::begin(kReservedNames), std::end(kReservedNames),
                                  ToLower(text)) != std::end(kReservedNames);
        return reserved || text.size() > kMaxParserName ? Quoted(std::string(text))
                                                        : std::string(text);
      }
      default:
        return std::string(text);
    }
  }

  static std::string Quoted(const std::string& name) {
    std::string quoted = "\"";
    for (char c : name) quoted.append(c == '"' ? 2 : 1, c);
    return quoted + '"';
  }

  void Emit(Token token, const std::string& spelling) {
    out_.sql += ' ';
    token.prepared = static_cast<uint32_t>(out_.sql.size());
    // The parser never sees a longer name: the tree leads back to the token, which has all of it.
    bool too_long = token.kind <= TokenKind::kQuotedName && spelling.size() > kMaxParserName;
    out_.sql += too_long ? "\"long name\"" : spelling;
    AppendNormal(spelling);
    out_.tokens.push_back(token);
  }

  void AppendNormal(std::string_view text) {
    if (!out_.normal_form.empty()) out_.normal_form += ' ';
    out_.normal_form += text;
  }

  // At "IN (" with `open` the bracket: takes the list away and leaves "($n)" if it holds nothing
  // but literals; else moves nothing.
  arrow::Result<bool> CutLiteralList(const Token& open) {
    const size_t begin = pos_;
    LiteralList items;
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(std::optional<ListItem> item, NextItem());
      std::optional<Token> separator;
      if (item) {
        ARROW_ASSIGN_OR_RAISE(separator, Next());
      }
      const bool closes = separator && TextOf(*separator) == ")";
      if (!separator || (!closes && TextOf(*separator) != ",")) {
        pos_ = begin;
        return false;
      }
      items.push_back(*item);
      if (closes) break;
    }
    out_.sql += " ( ";
    Token token = open;
    token.prepared = static_cast<uint32_t>(out_.sql.size());
    out_.tokens.push_back(token);
    out_.lists.push_back(std::move(items));
    out_.sql += "$" + std::to_string(out_.lists.size()) + " )";
    AppendNormal("(");
    for (const ListItem& item : out_.lists.back()) {
      out_.normal_form += item.negative ? " -" : " ";
      if (!item.type.empty()) out_.normal_form.append(item.type).append(" ");
      out_.normal_form += item.kind == ListItem::Kind::kNull ? "NULL" : item.text;
    }
    AppendNormal(")");
    return true;
  }

  arrow::Result<std::optional<ListItem>> NextItem() {
    ARROW_ASSIGN_OR_RAISE(std::optional<Token> token, Next());
    bool negative = false;
    const size_t begin = token ? token->offset : 0;
    bool is_signed = false;
    while (token && (TextOf(*token) == "-" || TextOf(*token) == "+")) {
      is_signed = true;
      negative ^= TextOf(*token) == "-";
      ARROW_ASSIGN_OR_RAISE(token, Next());
    }
    if (!token) return std::nullopt;
    ListItem item{ListItem::Kind::kNumber, negative, static_cast<uint32_t>(begin), TextOf(*token)};
    if (token->kind == TokenKind::kNumber) return item;
    if (is_signed) return std::nullopt;
    if (token->kind == TokenKind::kString) {
      item.kind = ListItem::Kind::kString;
    } else if (token->kind == TokenKind::kBinary) {
      item.kind = ListItem::Kind::kBinary;
    } else if (token->kind == TokenKind::kName) {
      return ItemOfWord(item);
    } else {
      return std::nullopt;
    }
    return item;
  }

  // The item that begins with the word in its text.
  arrow::Result<std::optional<ListItem>> ItemOfWord(ListItem item) {
    const std::string word = ToLower(item.text);
    if (word == "null") {
      item.kind = ListItem::Kind::kNull;
      return item;
    }
    if (word == "true" || word == "false") {
      item.kind = ListItem::Kind::kBoolean;
      return item;
    }
    if (word != "date" && word != "time" && word != "timestamp") return std::nullopt;
    ARROW_ASSIGN_OR_RAISE(std::optional<Token> token, Next());
    if (!token || token->kind != TokenKind::kString) return std::nullopt;
    item.kind = ListItem::Kind::kTypedString;
    item.type = item.text;
    item.text = TextOf(*token);
    return item;
  }

  const SourceText& source_;
  std::string_view text_;
  size_t pos_ = 0;
  DepthMeter depth_;
  PreparedSql out_;
};

}  // namespace

arrow::Result<PreparedSql> PrepareSql(const SourceText& source) { return Scanner(source).Run(); }

std::string Unquote(std::string_view quoted) {
  const char quote = quoted.front();
  std::string value;
  value.reserve(quoted.size());
  for (size_t i = 1; i + 1 < quoted.size(); ++i) {
    value += quoted[i];
    if (quoted[i] == quote) ++i;  // doubled
  }
  return value;
}

arrow::Result<std::string> ParseBinary(const SourceText& source, uint32_t offset,
                                       std::string_view text) {
  auto value_of = [](char c) {
    const char lower = static_cast<char>(c | 0x20);
    return IsDigit(c) ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
  };
  const std::string_view digits = text.substr(2, text.size() - 3);  // between the quotes
  if (digits.size() % 2 != 0) {
    return source.ErrorAt(offset, "a binary value needs two hexadecimal digits a byte");
  }
  std::string bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = value_of(digits[i]), low = value_of(digits[i + 1]);
    if (high < 0 || low < 0) {
      return source.ErrorAt(offset, "X'…' holds something other than hexadecimal digits");
    }
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

}  // namespace pilum::filter
