// Arithmetic on bound values.
//
// Integers are computed in 64 bits (uint64 stays unsigned; where signs mix, decimal(20, 0)); an
// overflow or a division by zero is an error of the evaluation, never a wrapped result. Integer
// division truncates and the remainder has the dividend's sign. Floating point follows IEEE 754.
#pragma once

#include <string>

#include "filter/value.h"

namespace pilum::filter {

/// left op right for the operators + - * / %.
arrow::Result<Value> Arithmetic(const SourceText& source, uint32_t offset, char op,
                                const Value& left, const Value& right);

arrow::Result<Value> Negate(const SourceText& source, uint32_t offset, const Value& value);

/// `kernel`, one of Arrow's that round, of a decimal; the result has a digit more.
arrow::Result<Value> RoundDecimal(const SourceText& source, uint32_t offset,
                                  const std::string& kernel, const Value& value,
                                  OptionsPtr options);

}  // namespace pilum::filter
