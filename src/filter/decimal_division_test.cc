#include "filter/decimal_division.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace pilum::filter {
namespace {

using arrow::Decimal256;

// As many decimal digits, of ones in binary wherever that is possible.
Decimal256 RandomNumber(std::mt19937_64* random) {
  const int bits = std::uniform_int_distribution<int>(1, 250)(*random);
  Decimal256 value(1);
  value <<= static_cast<uint32_t>(bits);
  value -= Decimal256(std::uniform_int_distribution<int64_t>(0, 3)(*random));
  if (std::bernoulli_distribution(0.5)(*random)) {
    value = Decimal256(static_cast<int64_t>((*random)() >> (*random)() % 64));
  }
  if (std::bernoulli_distribution(0.3)(*random)) value.Negate();
  return value;
}

TEST(DecimalDivision, IsTheInverseOfMultiplication) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const Decimal256 dividend = RandomNumber(&random), divisor = RandomNumber(&random);
    if (divisor == Decimal256(0)) continue;
    const auto [quotient, remainder] = DivideExactly(dividend, divisor);
    EXPECT_EQ(Decimal256(quotient * divisor + remainder), dividend);
    EXPECT_LT(Decimal256(Decimal256::Abs(remainder)), Decimal256(Decimal256::Abs(divisor)));
    EXPECT_TRUE(remainder == Decimal256(0) || remainder.IsNegative() == dividend.IsNegative());
  }
}

TEST(DecimalDivision, DividesWhatArrowDividesWrongly) {
  const auto number = [](const char* digits) { return *Decimal256::FromString(digits); };
  const auto [quotient, remainder] = DivideExactly(
      number("922337203685477580750000000000000000000"), number("-100000000000000000000"));
  EXPECT_EQ(quotient, number("-9223372036854775807"));
  EXPECT_EQ(remainder, number("50000000000000000000"));
}

}  // namespace
}  // namespace pilum::filter
