#include "runtime/set_once.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace pilum::runtime {
namespace {

TEST(SetOnce, TheFirstValueStays) {
  SetOnce<const int> cell;
  EXPECT_EQ(cell.get(), nullptr);
  const auto first = std::make_shared<const int>(1);
  EXPECT_EQ(cell.set(first), first);
  EXPECT_EQ(cell.set(std::make_shared<const int>(2)), first);
  EXPECT_EQ(cell.get(), first);
}

TEST(SetOnce, ThreadsAgree) {
  for (int round = 0; round < 100; ++round) {
    SetOnce<const int> cell;
    std::vector<std::shared_ptr<const int>> seen(4);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { seen[i] = cell.set(std::make_shared<const int>(i)); });
    }
    for (auto& thread : threads) thread.join();
    for (const auto& value : seen) EXPECT_EQ(value, cell.get());
  }
}

TEST(SetOnce, ValuesLiveAsLongAsTheCell) {
  auto value = std::make_shared<const int>(1);
  std::weak_ptr<const int> watched = value;
  {
    SetOnce<const int> cell;
    cell.set(std::move(value));
    EXPECT_FALSE(watched.expired());
  }
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace pilum::runtime
