#include "bytes/arena.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace pilum::bytes {
namespace {

TEST(Arena, GivesAlignedMemoryOfItsOwnToEach) {
  Arena arena;
  std::vector<std::pair<std::byte*, size_t>> parts;
  for (size_t size = 0; size < 5000; size = size * 2 + 1) {
    for (int i = 0; i < 20; ++i) {
      std::byte* p = arena.Allocate(size);
      EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
      std::memset(p, static_cast<int>(parts.size() % 251), size);
      parts.emplace_back(p, size);
    }
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    for (size_t j = 0; j < parts[i].second; ++j)
      ASSERT_EQ(parts[i].first[j], static_cast<std::byte>(i % 251));
  }
}

TEST(Arena, LargePartsFit) {
  Arena arena;
  std::byte* small = arena.Allocate(10);
  std::byte* large = arena.Allocate(3 << 20);
  std::memset(large, 1, 3 << 20);
  std::memset(small, 2, 10);
  EXPECT_EQ(large[0], std::byte{1});
}

TEST(Arena, ResetHandsTheSameMemoryOutAgain) {
  Arena arena;
  std::byte* first = arena.Allocate(1000);
  arena.Reset();
  EXPECT_EQ(arena.Allocate(1000), first);
  arena.Allocate(1 << 20);
  arena.Reset();
  std::byte* larger = arena.Allocate(1 << 20);  // the largest block stays
  arena.Reset();
  EXPECT_EQ(arena.Allocate(1 << 20), larger);
}

TEST(Arena, ArraysOfNumbers) {
  Arena arena;
  uint64_t* numbers = arena.AllocateArray<uint64_t>(100);
  for (uint64_t i = 0; i < 100; ++i) numbers[i] = i;
  EXPECT_EQ(numbers[99], 99u);
}

}  // namespace
}  // namespace pilum::bytes
