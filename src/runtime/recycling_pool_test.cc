#include "runtime/recycling_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <random>
#include <thread>
#include <vector>

namespace pilum::runtime {
namespace {

constexpr int64_t kMiB = 1 << 20;

class RecyclingPoolTest : public ::testing::Test {
 protected:
  uint8_t* Allocate(int64_t size) {
    uint8_t* buffer = nullptr;
    EXPECT_TRUE(pool_.Allocate(size, &buffer).ok());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer) % 64, 0u);
    return buffer;
  }

  RecyclingPool pool_{arrow::default_memory_pool(), 4 * kMiB};
};

TEST_F(RecyclingPoolTest, HandsOutAFreedBufferAgain) {
  uint8_t* first = Allocate(100'000);
  pool_.Free(first, 100'000);
  EXPECT_GE(pool_.recycled_bytes(), 100'000);
  uint8_t* second = Allocate(99'000);  // the same size class
  EXPECT_EQ(second, first);
  EXPECT_EQ(pool_.recycled_bytes(), 0);
  pool_.Free(second, 99'000);
}

TEST_F(RecyclingPoolTest, PassesSmallAndHugeBuffersThrough) {
  for (int64_t size : {int64_t{0}, int64_t{1}, RecyclingPool::kMinRecycled - 1, 4 * kMiB + 1}) {
    pool_.Free(Allocate(size), size);
    EXPECT_EQ(pool_.recycled_bytes(), 0) << size;
  }
}

TEST_F(RecyclingPoolTest, NegativeSizeIsAnError) {
  uint8_t* buffer = nullptr;
  EXPECT_FALSE(pool_.Allocate(-1, &buffer).ok());
  EXPECT_EQ(pool_.bytes_allocated(), 0);
}

TEST_F(RecyclingPoolTest, KeepsAtMostItsCapacity) {
  std::vector<uint8_t*> buffers;
  for (int i = 0; i < 10; ++i) buffers.push_back(Allocate(kMiB));
  for (uint8_t* buffer : buffers) pool_.Free(buffer, kMiB);
  EXPECT_EQ(pool_.recycled_bytes(), 4 * kMiB);
}

TEST_F(RecyclingPoolTest, DropsSizesUnusedForLongestFirst) {
  uint8_t* old = Allocate(3 * kMiB);
  uint8_t* a = Allocate(kMiB);
  uint8_t* b = Allocate(kMiB);
  pool_.Free(old, 3 * kMiB);
  pool_.Free(a, kMiB);
  pool_.Free(b, kMiB);  // does not fit beside the others
  EXPECT_EQ(pool_.recycled_bytes(), 2 * kMiB);
}

TEST_F(RecyclingPoolTest, ReleaseUnusedKeepsNothing) {
  pool_.Free(Allocate(kMiB), kMiB);
  pool_.ReleaseUnused();
  EXPECT_EQ(pool_.recycled_bytes(), 0);
}

// It would have glibc trim its heap, which is slow, and not safe on several threads at once before
// its first allocation: never, where another library serves malloc.
TEST(RecyclingPool, EndsWithoutTrimmingTheBackingPool) {
  class Backing : public arrow::ProxyMemoryPool {
   public:
    using arrow::ProxyMemoryPool::ProxyMemoryPool;
    void ReleaseUnused() override { ADD_FAILURE() << "trimmed"; }
  };
  Backing backing(arrow::default_memory_pool());
  {
    RecyclingPool pool(&backing, kMiB);
    uint8_t* buffer = nullptr;
    ASSERT_TRUE(pool.Allocate(kMiB, &buffer).ok());
    pool.Free(buffer, kMiB);
    EXPECT_EQ(pool.recycled_bytes(), kMiB);
  }
  EXPECT_EQ(backing.bytes_allocated(), 0);
}

TEST_F(RecyclingPoolTest, ReallocateKeepsContentsAcrossEveryKindOfSize) {
  const int64_t sizes[] = {100, 20'000, 20'100, 5'000, kMiB, 5 * kMiB, 2 * kMiB, 0, 30'000};
  uint8_t* buffer = Allocate(0);
  int64_t size = 0;
  int64_t filled = 0;
  for (int64_t new_size : sizes) {
    ASSERT_TRUE(pool_.Reallocate(size, new_size, &buffer).ok());
    filled = std::min(filled, new_size);
    for (int64_t i = 0; i < filled; ++i) ASSERT_EQ(buffer[i], 0xAB) << size << " to " << new_size;
    std::memset(buffer, 0xAB, static_cast<size_t>(new_size));
    size = filled = new_size;
    EXPECT_EQ(pool_.bytes_allocated(), size);
  }
  pool_.Free(buffer, size);
  EXPECT_EQ(pool_.bytes_allocated(), 0);
}

TEST_F(RecyclingPoolTest, CountsWhatWasAskedFor) {
  uint8_t* a = Allocate(100'000);
  uint8_t* b = Allocate(50);
  EXPECT_EQ(pool_.bytes_allocated(), 100'050);
  pool_.Free(a, 100'000);
  EXPECT_EQ(pool_.bytes_allocated(), 50);
  pool_.Free(b, 50);
  pool_.Free(Allocate(100'000), 100'000);
  EXPECT_EQ(pool_.bytes_allocated(), 0);
  EXPECT_EQ(pool_.max_memory(), 100'050);
  EXPECT_EQ(pool_.total_bytes_allocated(), 200'050);
  EXPECT_EQ(pool_.num_allocations(), 3);
}

TEST(RecyclingPoolClasses, WasteAtMostAQuarter) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 100'000; ++i) {
    int64_t size = RecyclingPool::kMinRecycled + static_cast<int64_t>(random() >> (8 + i % 40));
    int64_t capacity = RecyclingPool::ClassCapacity(size);
    ASSERT_GE(capacity, size);
    ASSERT_LE(capacity - size, size / 4);
    ASSERT_EQ(RecyclingPool::ClassCapacity(capacity), capacity);
  }
}

TEST_F(RecyclingPoolTest, ThreadsNeverShareABuffer) {
  std::vector<std::thread> threads;
  std::atomic<int> torn{0};
  for (uint8_t mark = 1; mark <= 4; ++mark) {
    threads.emplace_back([&, mark] {
      std::mt19937 random(mark);
      for (int i = 0; i < 3000; ++i) {
        int64_t size = 16'384 + random() % 40'000;
        uint8_t* buffer = nullptr;
        if (!pool_.Allocate(size, &buffer).ok()) return;
        std::memset(buffer, mark, static_cast<size_t>(size));
        if (buffer[0] != mark || buffer[size / 2] != mark || buffer[size - 1] != mark) ++torn;
        pool_.Free(buffer, size);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(pool_.bytes_allocated(), 0);
}

}  // namespace
}  // namespace pilum::runtime
