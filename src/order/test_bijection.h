// What every shuffle is held to.
#pragma once

#include <cstdint>

namespace pilum::order {

/// Whether `at` takes [0, size) to itself and `position_of` is its inverse. A number at two
/// positions would contradict the inverse at one of them, so this proves a bijection.
template <typename At, typename PositionOf>
bool IsBijection(uint64_t size, const At& at, const PositionOf& position_of) {
  for (uint64_t position = 0; position < size; ++position) {
    const uint64_t number = at(position);
    if (number >= size || position_of(number) != position) return false;
  }
  return true;
}

template <typename Shuffle>
bool IsBijection(uint64_t size, const Shuffle& shuffle) {
  return IsBijection(
      size, [&](uint64_t position) { return shuffle.At(position); },
      [&](uint64_t number) { return shuffle.PositionOf(number); });
}

}  // namespace pilum::order
