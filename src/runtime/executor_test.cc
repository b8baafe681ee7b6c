#include "runtime/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace pilum::runtime {
namespace {

TEST(Executor, RunsEveryTask) {
  std::atomic<int> runs{0};
  std::latch all(1000);
  Executor executor(4);
  for (int i = 0; i < 1000; ++i) {
    executor.Submit(0, [&] {
      ++runs;
      all.count_down();
    });
  }
  all.wait();
  EXPECT_EQ(runs, 1000);
}

TEST(Executor, RunsLowerPriorityFirstThenInOrderOfSubmission) {
  Executor executor(1);
  std::latch queued(1);
  std::latch done(4);
  executor.Submit(0, [&] { queued.wait(); });
  std::vector<int> order;  // one thread: no lock
  auto note = [&](int name) {
    return [&order, &done, name] {
      order.push_back(name);
      done.count_down();
    };
  };
  executor.Submit(5, note(2));
  executor.Submit(7, note(4));
  executor.Submit(5, note(3));
  executor.Submit(-1, note(1));
  queued.count_down();
  done.wait();
  EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TEST(Executor, StartsAsManyThreadsAsAreBusyAtOnce) {
  Executor executor(3);
  std::latch together(3);  // opens only if three tasks run at the same time
  std::latch done(3);
  for (int i = 0; i < 3; ++i) {
    executor.Submit(0, [&] {
      together.arrive_and_wait();
      done.count_down();
    });
  }
  done.wait();
  EXPECT_EQ(executor.max_threads(), 3);
}

TEST(Executor, DestructorDropsQueuedTasksAndWaitsForRunningOnes) {
  std::atomic<int> started{0};
  std::atomic<int> ended{0};
  auto held = std::make_shared<int>(0);
  {
    Executor executor(1);
    std::latch running(1);
    executor.Submit(0, [&] {
      ++started;
      running.count_down();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      ++ended;
    });
    running.wait();
    for (int i = 0; i < 10; ++i) executor.Submit(0, [&started, held] { ++started; });
  }
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(started, 1);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Executor, QuiescingWaitsForRunningTasksAndTakesNoMore) {
  Executor executor(1);
  std::atomic<int> ended{0};
  std::latch running(1);
  executor.Submit(0, [&] {
    running.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    ++ended;
  });
  running.wait();
  executor.Submit(0, [&] { ++ended; });
  executor.Quiesce(std::chrono::seconds(60));
  EXPECT_EQ(ended, 1);
  executor.Submit(0, [&] { ++ended; });
  executor.Quiesce(std::chrono::seconds(60));
  EXPECT_EQ(ended, 1);
}

TEST(Executor, TaskMaySubmitTasks) {
  Executor executor(2);
  std::latch done(1);
  executor.Submit(0, [&] { executor.Submit(0, [&] { done.count_down(); }); });
  done.wait();
}

}  // namespace
}  // namespace pilum::runtime
