#include "order/fisher_yates.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "order/hash.h"

namespace pilum::order {

FisherYates::FisherYates(uint64_t size, uint64_t key) : numbers_(size), positions_(size) {
  SplitMix64 random(key);
  std::iota(numbers_.begin(), numbers_.end(), uint32_t{0});
  for (uint64_t left = size; left > 1; --left) {
    std::swap(numbers_[left - 1], numbers_[Reduce(random.Next(), left)]);
  }
  for (uint32_t position = 0; position < size; ++position) {
    positions_[numbers_[position]] = position;
  }
}

void FisherYates::Fill(uint64_t first, std::span<uint64_t> numbers) const {
  std::copy_n(numbers_.begin() + static_cast<ptrdiff_t>(first), numbers.size(), numbers.begin());
}

}  // namespace pilum::order
