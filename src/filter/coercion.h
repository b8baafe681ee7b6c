// Types meeting types: which common type two values take before a kernel sees them.
//
// Arrow would insert casts by itself, but some of those fail on data (uint64 beyond int64, int64
// beyond 2^53 to double) or lose values silently; so all casts are decided here.
#pragma once

#include <vector>

#include "filter/value.h"

namespace pilum::filter {

/// `value` in the form kernels take: dictionaries decoded, half floats as float32, views and
/// fixed-size binary as plain strings and binary.
Value Plain(const Value& value);

/// The type that both can be cast to without losing what comparisons see, or null.
TypePtr CommonType(const TypePtr& left, const TypePtr& right);

/// `value` as `type`; a literal takes exactly that type or is an error.
arrow::Result<Value> Coerce(const SourceText& source, const Value& value, const TypePtr& type);

/// All values as one type (branches of CASE, arguments of COALESCE). Literals follow the others.
arrow::Result<std::vector<Value>> Unify(const SourceText& source, std::vector<Value> values);

bool IsNumeric(const TypePtr& type);
bool IsFloating(const TypePtr& type);
bool IsStringLike(const TypePtr& type);

/// The decimal that holds every value of an integer type.
TypePtr DecimalOf(const TypePtr& integer);

/// The decimal of at most 76 digits in 128 bits where they suffice.
TypePtr DecimalWith(int32_t precision, int32_t scale);

}  // namespace pilum::filter
