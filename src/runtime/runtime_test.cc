#include "runtime/runtime.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <thread>
#include <vector>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
// Otherwise it ends every child that starts threads.
extern "C" const char* __tsan_default_options() { return "die_after_fork=0"; }
#endif
#endif

namespace pilum::runtime {
namespace {

/// Runs `body` in a forked child; its result, or false when it crashes or takes longer than 20 s.
bool InChild(const std::function<bool()>& body) {
  pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == 0;
}

bool ExecutorsWork() {
  constexpr int kTasks = 100;
  auto runs =
      std::make_shared<std::latch>(2 * kTasks);  // counting down goes on after the last wait
  Runtime& runtime = Runtime::Get();
  for (int i = 0; i < kTasks; ++i) {
    runtime.cpu().Submit(0, [runs] { runs->count_down(); });
    runtime.io().Submit(0, [runs] { runs->count_down(); });
  }
  runs->wait();
  return true;
}

bool PoolWorks() {
  for (int64_t size : {100, 20'000, 1 << 20}) {
    uint8_t* buffer = nullptr;
    if (!GetMemoryPool()->Allocate(size, &buffer).ok()) return false;
    buffer[size - 1] = 1;
    GetMemoryPool()->Free(buffer, size);
  }
  return true;
}

TEST(Runtime, IsTheSameForEveryThread) {
  std::vector<Runtime*> seen(8);
  std::vector<std::thread> threads;
  for (Runtime*& runtime : seen) threads.emplace_back([&] { runtime = &Runtime::Get(); });
  for (std::thread& thread : threads) thread.join();
  for (Runtime* runtime : seen) EXPECT_EQ(runtime, &Runtime::Get());
}

TEST(Runtime, TheThreadThatWaitsIsOneOfTheCpuThreads) {
  const Runtime& runtime = Runtime::Get();
  EXPECT_EQ(Runtime::Get().cpu().max_threads(), std::max(1, runtime.options().cpu_threads - 1));
}

TEST(Runtime, ChildGetsANewOne) {
  Runtime* parent = &Runtime::Get();
  ASSERT_TRUE(ExecutorsWork());
  EXPECT_TRUE(InChild([&] { return &Runtime::Get() != parent && ExecutorsWork() && PoolWorks(); }));
  EXPECT_EQ(&Runtime::Get(), parent);
  EXPECT_TRUE(ExecutorsWork());
}

TEST(Runtime, GrandchildGetsANewOne) {
  EXPECT_TRUE(InChild([] { return ExecutorsWork() && InChild([] { return ExecutorsWork(); }); }));
}

TEST(Runtime, ChildrenOfABusyParentWork) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> busy;
  for (int i = 0; i < 3; ++i) {
    busy.emplace_back([&] {
      while (!stop) {
        PoolWorks();
        ExecutorsWork();
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(InChild([] { return ExecutorsWork() && PoolWorks(); })) << "child " << i;
  }
  stop = true;
  for (std::thread& thread : busy) thread.join();
}

TEST(Runtime, ChildFreesBuffersOfTheParent) {
  uint8_t* buffer = nullptr;
  ASSERT_TRUE(GetMemoryPool()->Allocate(1 << 20, &buffer).ok());
  EXPECT_TRUE(InChild([&] {
    GetMemoryPool()->Free(buffer, 1 << 20);
    return PoolWorks();
  }));
  GetMemoryPool()->Free(buffer, 1 << 20);
}

/// Counts those alive.
struct Counted {
  inline static std::atomic<int> alive{0};
  Counted() { ++alive; }
  ~Counted() { --alive; }
};

TEST(Runtime, TasksEndBeforeGlobalsThatTheyMakeDo) {
  EXPECT_TRUE(InChild([]() -> bool {
    std::latch made(1);
    Runtime::Get().cpu().Submit(0, [&made] {
      static Counted global;
      made.count_down();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      if (Counted::alive != 1) ::_exit(1);
    });
    made.wait();
    std::exit(0);
  }));
}

/// Environment variables of one test.
class RuntimeOptionsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const std::string& name : set_) ::unsetenv(name.c_str());
  }
  void Set(const std::string& name, const std::string& value) {
    ::setenv(name.c_str(), value.c_str(), 1);
    set_.push_back(name);
  }

 private:
  std::vector<std::string> set_;
};

TEST_F(RuntimeOptionsTest, DefaultsAreResolved) {
  RuntimeOptions options = OptionsFromEnvironment();
  EXPECT_GE(options.cpu_threads, 1);
  EXPECT_EQ(options.io_threads, 16);
  EXPECT_EQ(options.recycle_bytes, 128 << 20);
  EXPECT_EQ(options.metadata_cache_bytes, 256 << 20);
  EXPECT_EQ(options.block_cache_bytes, 48 << 20);
}

TEST_F(RuntimeOptionsTest, VariablesAreRead) {
  Set("PILUM_CPU_THREADS", "3");
  Set("PILUM_IO_THREADS", "5");
  Set("PILUM_RECYCLE_BYTES", "0");
  Set("PILUM_METADATA_CACHE_BYTES", "10000000000");
  Set("PILUM_BLOCK_CACHE_BYTES", "7");
  RuntimeOptions options = OptionsFromEnvironment();
  EXPECT_EQ(options.cpu_threads, 3);
  EXPECT_EQ(options.io_threads, 5);
  EXPECT_EQ(options.recycle_bytes, 0);
  EXPECT_EQ(options.metadata_cache_bytes, 10'000'000'000);
  EXPECT_EQ(options.block_cache_bytes, 7);
}

TEST_F(RuntimeOptionsTest, ValuesThatAreNoNumbersCountAsUnset) {
  for (const char* value : {"", "many", "-1", "4x", "99999999999999999999", "100000"}) {
    Set("PILUM_IO_THREADS", value);
    EXPECT_EQ(OptionsFromEnvironment().io_threads, 16) << value;
  }
}

}  // namespace
}  // namespace pilum::runtime
