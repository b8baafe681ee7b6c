// The hash functions of shuffled orders.
//
//   Mix(x)         x ^= x >> 30;  x *= 0xbf58476d1ce4e5b9;
//                  x ^= x >> 27;  x *= 0x94d049bb133111eb;
//                  x ^= x >> 31                               a bijection of 64 bits
//   SplitMix64     s += 0x9e3779b97f4a7c15, then Mix(s)       a sequence; H(s) is its first number
//   Reduce(h, n)   floor(h * n / 2^64)                        a number below n
//   ShuffleKey     H(H(H(seed) + epoch) + size)
//
// Sums and products are modulo 2^64, but for that of Reduce. These are frozen: a run that is resumed
// with another version of pilum gets the order that it had. Tests hold them to known values.
//
// Sources: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014;
// Lemire, Fast Random Integer Generation in an Interval, 2019.
#pragma once

#include <cstdint>

namespace pilum::order {

__extension__ using Wide = unsigned __int128;

constexpr uint64_t Mix(uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
  x = (x ^ x >> 27) * 0x94d049bb133111eb;
  return x ^ x >> 31;
}

class SplitMix64 {
 public:
  explicit constexpr SplitMix64(uint64_t state) : state_(state) {}
  constexpr uint64_t Next() { return Mix(state_ += 0x9e3779b97f4a7c15); }

 private:
  uint64_t state_;
};

/// No division, and a bias of at most n / 2^64.
constexpr uint64_t Reduce(uint64_t hash, uint64_t n) {
  return static_cast<uint64_t>(Wide{hash} * n >> 64);
}

/// Hashed one after the other, never summed: runs with other seeds would get each other's orders.
/// The size is part of it because otherwise one key would order tables of similar sizes alike.
constexpr uint64_t ShuffleKey(uint64_t seed, uint64_t epoch, uint64_t size) {
  uint64_t key = SplitMix64(seed).Next();
  key = SplitMix64(key + epoch).Next();
  return SplitMix64(key + size).Next();
}

}  // namespace pilum::order
