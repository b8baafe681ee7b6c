// Comparisons of bound values under SQL's rules.
//
// NULL compares as NULL. NaN equals NaN and is greater than every other number, as in Lance's own
// filters. Literals compare by their exact value, whatever the type of the column.
#pragma once

#include <string_view>
#include <vector>

#include "filter/scanner.h"
#include "filter/value.h"

namespace pilum::filter {

enum class CompareOp { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

/// Of "=", "<>", "<", "<=", ">", ">=".
CompareOp ParseCompareOp(std::string_view symbol);

/// left op right. Both are used more than once: let them be cheap (columns, steps, literals).
arrow::Result<Value> Compare(const SourceText& source, uint32_t offset, CompareOp op,
                             const Value& left, const Value& right);

/// left IS DISTINCT FROM right; never NULL.
arrow::Result<Value> Distinct(const SourceText& source, uint32_t offset, const Value& left,
                              const Value& right);

/// value IN (literals), by hashing.
arrow::Result<Value> InLiterals(const SourceText& source, uint32_t offset, const Value& value,
                                const LiteralList& list);

}  // namespace pilum::filter
