// Quotients and remainders of decimals.
//
// Those of Arrow's kernels are wrong for some operands: where the quotient, written in digits of 32
// bits, has one that is all ones, and the divisor is longer than such a digit.
#pragma once

#include <memory>

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/util/decimal.h>

namespace pilum::filter {

struct QuotientAndRemainder {
  arrow::Decimal256 quotient;
  arrow::Decimal256 remainder;
};

/// Of two numbers of at most 76 digits, the divisor not zero: the quotient is cut towards zero, the
/// remainder has the sign of the dividend.
QuotientAndRemainder DivideExactly(const arrow::Decimal256& dividend,
                                   const arrow::Decimal256& divisor);

/// Quotients, or remainders, of the unscaled values of two arrays of decimal256, as `type`: NULL
/// where one of the two is, an error where a divisor is zero.
arrow::Result<std::shared_ptr<arrow::Array>> DivideDecimals(
    const arrow::Decimal256Array& dividends, const arrow::Decimal256Array& divisors,
    bool remainders, const std::shared_ptr<arrow::DataType>& type);

}  // namespace pilum::filter
