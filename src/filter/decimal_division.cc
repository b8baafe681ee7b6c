#include "filter/decimal_division.h"

#include <array>
#include <cstdint>

#include <arrow/builder.h>

#include "pilum/error.h"

namespace pilum::filter {
namespace {

using arrow::Decimal256;
using Words = std::array<uint64_t, 4>;  // little endian

__extension__ using Wide = unsigned __int128;

bool FitsWide(const Words& words) { return words[2] == 0 && words[3] == 0; }
Wide ToWide(const Words& words) { return static_cast<Wide>(words[1]) << 64 | words[0]; }
Decimal256 FromWide(Wide value) {
  return Decimal256(Words{static_cast<uint64_t>(value), static_cast<uint64_t>(value >> 64), 0, 0});
}

QuotientAndRemainder DivideMagnitudes(const Decimal256& dividend, const Decimal256& divisor) {
  const Words words = dividend.little_endian_array();
  if (FitsWide(words) && FitsWide(divisor.little_endian_array())) {
    const Wide left = ToWide(words), right = ToWide(divisor.little_endian_array());
    return {FromWide(left / right), FromWide(left % right)};
  }
  QuotientAndRemainder result;  // by hand, bit after bit
  for (int bit = 255; bit >= 0; --bit) {
    result.quotient <<= 1;
    result.remainder <<= 1;
    if ((words[bit / 64] >> (bit % 64) & 1) != 0) result.remainder += Decimal256(1);
    if (result.remainder >= divisor) {
      result.remainder -= divisor;
      result.quotient += Decimal256(1);
    }
  }
  return result;
}

}  // namespace

QuotientAndRemainder DivideExactly(const Decimal256& dividend, const Decimal256& divisor) {
  QuotientAndRemainder result =
      DivideMagnitudes(Decimal256(Decimal256::Abs(dividend)), Decimal256(Decimal256::Abs(divisor)));
  if (dividend.IsNegative()) result.remainder.Negate();
  if (dividend.IsNegative() != divisor.IsNegative()) result.quotient.Negate();
  return result;
}

arrow::Result<std::shared_ptr<arrow::Array>> DivideDecimals(
    const arrow::Decimal256Array& dividends, const arrow::Decimal256Array& divisors,
    bool remainders, const std::shared_ptr<arrow::DataType>& type) {
  arrow::Decimal256Builder builder(type);
  ARROW_RETURN_NOT_OK(builder.Reserve(dividends.length()));
  for (int64_t i = 0; i < dividends.length(); ++i) {
    if (dividends.IsNull(i) || divisors.IsNull(i)) {
      builder.UnsafeAppendNull();
      continue;
    }
    const Decimal256 divisor(divisors.GetValue(i));
    if (divisor == Decimal256(0)) {
      return MakeError(ErrorKind::kInvalidArgument, "divide by zero");
    }
    const auto result = DivideExactly(Decimal256(dividends.GetValue(i)), divisor);
    builder.UnsafeAppend(remainders ? result.remainder : result.quotient);
  }
  return builder.Finish();
}

}  // namespace pilum::filter
