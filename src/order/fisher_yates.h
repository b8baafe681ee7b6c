// A shuffle of [0, n) that is made once and kept, for n below 2^32.
//
//   number = 0, 1, ..., n - 1
//   for i = n - 1 down to 1: swap number[i] and number[Reduce(next, i + 1)]
//
// where next is the next number of SplitMix64. Frozen like the hash functions.
//
// Source: Durstenfeld, Algorithm 235: Random permutation, CACM 1964.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pilum::order {

/// Immutable, thread-safe.
class FisherYates {
 public:
  FisherYates(uint64_t size, uint64_t key);

  uint64_t At(uint64_t position) const { return numbers_[position]; }        ///< position < size
  uint64_t PositionOf(uint64_t number) const { return positions_[number]; }  ///< number < size
  void Fill(uint64_t first, std::span<uint64_t> numbers) const;

 private:
  std::vector<uint32_t> numbers_;
  std::vector<uint32_t> positions_;
};

}  // namespace pilum::order
