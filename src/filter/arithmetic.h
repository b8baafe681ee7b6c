// Arithmetic on bound values.
//
// Integers are computed in 64 bits (uint64 stays unsigned; where signs mix, as decimals of scale
// 0); an overflow or a division by zero is an error of the evaluation, never a wrapped result.
// Integer division truncates and the remainder has the dividend's sign. Floating point follows IEEE
// 754.
#pragma once

#include <arrow/compute/api_scalar.h>

#include "filter/program_builder.h"
#include "filter/value.h"

namespace pilum::filter {

/// left op right for the operators + - * / %.
arrow::Result<Value> Arithmetic(const SourceText& source, ProgramBuilder* program, uint32_t offset,
                                char op, const Value& left, const Value& right);

arrow::Result<Value> Negate(const SourceText& source, uint32_t offset, const Value& value);

/// A decimal rounded to at most `scale` decimal places, with a digit more before the point.
arrow::Result<Value> RoundDecimal(const SourceText& source, uint32_t offset, const Value& value,
                                  int32_t scale, cp::RoundMode mode);

}  // namespace pilum::filter
