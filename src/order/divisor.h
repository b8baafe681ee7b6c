// Division by a number that stays the same, with a multiplication by its reciprocal.
#pragma once

#include <cstdint>

#include "order/hash.h"

namespace pilum::order {

struct Division {
  uint64_t quotient;
  uint64_t remainder;
};

/// A value; every function is pure.
class Divisor {
 public:
  explicit constexpr Divisor(uint64_t value) : value_(value), reciprocal_(UINT64_MAX / value) {}

  constexpr uint64_t value() const { return value_; }

  /// The reciprocal is less than one unit too small, so the quotient is at most one too small.
  constexpr Division Divide(uint64_t dividend) const {
    const uint64_t quotient = Reduce(reciprocal_, dividend);
    const uint64_t remainder = dividend - quotient * value_;
    const bool short_by_one = remainder >= value_;
    return {quotient + short_by_one, remainder - (short_by_one ? value_ : 0)};
  }

 private:
  uint64_t value_;
  uint64_t reciprocal_;  // floor((2^64 - 1) / value)
};

}  // namespace pilum::order
