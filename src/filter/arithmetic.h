// Arithmetic on bound values.
//
// Integers are computed in 64 bits (uint64 stays unsigned; where signs mix, decimal(20, 0)); an
// overflow or a division by zero is an error of the evaluation, never a wrapped result. Integer
// division truncates and the remainder has the dividend's sign. Floating point follows IEEE 754.
#pragma once

#include "filter/value.h"

namespace pilum::filter {

/// left op right for the operators + - * / %.
arrow::Result<Value> Arithmetic(const SourceText& source, uint32_t offset, char op,
                                const Value& left, const Value& right);

arrow::Result<Value> Negate(const SourceText& source, uint32_t offset, const Value& value);

/// CAST(value AS name).
arrow::Result<Value> CastToNamedType(const SourceText& source, uint32_t offset, const Value& value,
                                     const TypeName& name);

}  // namespace pilum::filter
