// A shuffle of [0, n) that is computed: a Feistel network of two radices.
//
//   a = ceil(sqrt(n)), b = ceil(n / a): numbers below a * b are cells of b rows and a columns
//
//        column = x mod a        row = x / a
//           + F0(row)   mod a
//                               + F1(column) mod b
//           + F2(row)   mod a                          Fi(y) = Reduce(Mix(y + key i), radix)
//                               + F3(column) mod b     keys: the first six numbers of SplitMix64
//           + F4(row)   mod a
//                               + F5(column) mod b
//        x = row * a + column, and once more while x >= n
//
// Each step can be undone, so the network is a bijection of [0, a * b). Following it from a number
// below n until it comes back below n makes it one of [0, n) ("cycle walking"); fewer than a of the
// a * b numbers are not below n, so this is rare. Frozen like the hash functions.
//
// Source: Black and Rogaway, Ciphers with Arbitrary Finite Domains, CT-RSA 2002.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "order/divisor.h"
#include "order/hash.h"

namespace pilum::order {

/// A value; every function is pure.
class Feistel {
 public:
  /// size >= 1.
  Feistel(uint64_t size, uint64_t key);

  uint64_t At(uint64_t position) const;        ///< position < size
  uint64_t PositionOf(uint64_t number) const;  ///< number < size
  void Fill(uint64_t first, std::span<uint64_t> numbers) const;

 private:
  static constexpr int kRounds = 6;

  uint64_t ToColumn(uint64_t row, int round) const {
    return Reduce(Mix(row + keys_[round]), columns_.value());
  }
  uint64_t ToRow(uint64_t column, int round) const {
    return Reduce(Mix(column + keys_[round]), rows_);
  }
  uint64_t Encrypt(uint64_t number) const;
  uint64_t Decrypt(uint64_t number) const;

  uint64_t size_;
  Divisor columns_;  // a
  uint64_t rows_;    // b
  std::array<uint64_t, kRounds> keys_;
};

}  // namespace pilum::order
