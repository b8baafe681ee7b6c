// Prepares SQL text for the parser: the first look at what the user wrote.
//
// The parser speaks PostgreSQL; Lance users also write backticks, == and very long IN lists. The
// scanner takes the text apart, refuses what no expression contains, cuts IN lists of literals out,
// and puts together a text that the parser reads as meant, remembering where each token came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "filter/source_text.h"

namespace pilum::filter {

enum class TokenKind : uint8_t { kName, kQuotedName, kNumber, kString, kBinary, kSymbol };

struct Token {
  TokenKind kind;
  uint32_t offset;    ///< in the source text
  uint32_t length;    ///< in the source text, quotes included
  uint32_t prepared;  ///< offset in PreparedSql::sql
};

/// One item of an IN list that consists of literals only.
struct ListItem {
  enum class Kind : uint8_t { kNumber, kString, kTypedString, kBinary, kBoolean, kNull };
  Kind kind;
  bool negative;               ///< a number with an odd count of minus signs before it
  uint32_t offset;             ///< in the source text
  std::string_view text;       ///< of the source: digits, a word, or the string with its quotes
  std::string_view type = {};  ///< what stands before a typed string: date, time, timestamp
};

using LiteralList = std::vector<ListItem>;

struct PreparedSql {
  std::string sql;                 ///< one SELECT whose WHERE clause is the expression
  std::vector<Token> tokens;       ///< those in `sql`, ascending
  std::vector<LiteralList> lists;  ///< `$n` in `sql` stands for lists[n - 1]
  std::string normal_form;         ///< the text with single spaces, without comments
};

/// Views in the result point into `source`.
arrow::Result<PreparedSql> PrepareSql(const SourceText& source);

/// The value of a string literal or quoted name given with its quotes.
std::string Unquote(std::string_view quoted);

/// The bytes of the binary literal `text`, such as X'6162', at `offset` of the source.
arrow::Result<std::string> ParseBinary(const SourceText& source, uint32_t offset,
                                       std::string_view text);

}  // namespace pilum::filter
