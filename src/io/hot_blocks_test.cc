#include "io/hot_blocks.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "io/store_conformance.h"
#include "pilum/error.h"

namespace pilum::io {
namespace {

constexpr uint64_t kBlock = HotBlocks::kBlockBytes;
constexpr int kPlenty = 3000;  // reads after which a block is kept

/// An object of a little more than two blocks, and what was read of it.
class HotBlocksTest : public ::testing::Test {
 protected:
  arrow::Status Count(uint64_t offset, uint64_t length, int times = kPlenty) {
    for (int i = 0; i < times; ++i) ARROW_RETURN_NOT_OK(blocks_.Count(offset, length, read_));
    return arrow::Status::OK();
  }
  std::string Found(uint64_t offset, uint64_t length) const {
    const std::byte* bytes = blocks_.Find(offset, length);
    return bytes == nullptr ? "" : std::string(reinterpret_cast<const char*>(bytes), length);
  }

  const std::string text_ = PatternText(2 * kBlock + 1000);
  std::vector<std::pair<uint64_t, size_t>> reads_;
  HotBlocks::Read read_ = [this](uint64_t offset, std::span<std::byte> out) {
    reads_.emplace_back(offset, out.size());
    std::memcpy(out.data(), text_.data() + offset, out.size());
    return arrow::Status::OK();
  };
  HotBlocks blocks_{text_.size()};
};

TEST_F(HotBlocksTest, BlockIsReadOnceWhenManySmallReadsWentToIt) {
  ASSERT_TRUE(Count(kBlock + 5, 4, 1000).ok());
  EXPECT_TRUE(reads_.empty());
  EXPECT_EQ(Found(kBlock + 5, 4), "");
  ASSERT_TRUE(Count(kBlock + 77, 8).ok());
  EXPECT_EQ(reads_, (std::vector<std::pair<uint64_t, size_t>>{{kBlock, kBlock}}));
  EXPECT_EQ(Found(kBlock, 100), text_.substr(kBlock, 100));
  EXPECT_EQ(Found(2 * kBlock - 9, 9), text_.substr(2 * kBlock - 9, 9));
}

TEST_F(HotBlocksTest, WhatLiesInTwoBlocksOrInAnotherOneIsNotFound) {
  ASSERT_TRUE(Count(kBlock, 4).ok());
  EXPECT_EQ(blocks_.Find(2 * kBlock - 9, 10), nullptr);
  EXPECT_EQ(blocks_.Find(kBlock - 1, 1), nullptr);
  EXPECT_EQ(blocks_.Find(2 * kBlock, 1), nullptr);
}

TEST_F(HotBlocksTest, LastBlockIsAsLongAsTheObject) {
  ASSERT_TRUE(Count(text_.size() - 1, 1).ok());
  EXPECT_EQ(reads_, (std::vector<std::pair<uint64_t, size_t>>{{2 * kBlock, 1000}}));
  EXPECT_EQ(Found(text_.size() - 10, 10), text_.substr(text_.size() - 10));
}

TEST_F(HotBlocksTest, LargeReadsDoNotCount) {
  ASSERT_TRUE(Count(0, HotBlocks::kSmallRead + 1).ok());
  EXPECT_TRUE(reads_.empty());
}

TEST_F(HotBlocksTest, BlockThatCannotBeReadIsAnErrorOnceAndIsNotKept) {
  read_ = [](uint64_t, std::span<std::byte>) { return arrow::Status::IOError("gone"); };
  EXPECT_EQ(Count(0, 4).message(), "gone");
  EXPECT_TRUE(Count(0, 4).ok());
  EXPECT_EQ(Found(0, 4), "");
}

TEST_F(HotBlocksTest, ThreadsMayReadAtOnce) {
  HotBlocks::Read read = [this](uint64_t offset, std::span<std::byte> out) {
    std::memcpy(out.data(), text_.data() + offset, out.size());
    return arrow::Status::OK();
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 4 * kPlenty; ++i) {
        const uint64_t offset = (i * 7919 + static_cast<uint64_t>(t)) % (text_.size() - 8);
        if (const std::byte* bytes = blocks_.Find(offset, 8)) {
          ASSERT_EQ(std::memcmp(bytes, text_.data() + offset, 8), 0);
        } else {
          ASSERT_TRUE(blocks_.Count(offset, 8, read).ok());
        }
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(Found(10, 8), text_.substr(10, 8));
}

// Settings are read once by a process, so each limit has one of its own.
class HotBlocksWithLimitTest : public HotBlocksTest {
 protected:
  template <typename Check>
  bool InProcessThatKeeps(uint64_t bytes, Check check) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::setenv("PILUM_BLOCK_CACHE_BYTES", std::to_string(bytes).c_str(), 1);
      ::_exit(check() ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && status == 0;
  }
  bool KeepsFirstBlock(HotBlocks* blocks) {
    for (int i = 0; i < kPlenty; ++i)
      if (!blocks->Count(0, 4, read_).ok()) return false;
    return blocks->Find(0, 4) != nullptr;
  }
};

TEST_F(HotBlocksWithLimitTest, NoMoreBytesAreKeptThanAllowed) {
  EXPECT_TRUE(InProcessThatKeeps(kBlock + 1000, [&] {
    HotBlocks others(text_.size());
    return Count(0, 4).ok() && Count(kBlock, 4).ok() && Count(2 * kBlock, 4).ok() &&
           !Found(0, 4).empty() && Found(kBlock, 4).empty() && !Found(2 * kBlock, 4).empty() &&
           !KeepsFirstBlock(&others);
  }));
}

TEST_F(HotBlocksWithLimitTest, BytesAreGivenBackWithTheObject) {
  EXPECT_TRUE(InProcessThatKeeps(kBlock, [&] {
    for (int object = 0; object < 3; ++object) {
      HotBlocks blocks(text_.size());
      if (!KeepsFirstBlock(&blocks)) return false;
    }
    return true;
  }));
}

}  // namespace
}  // namespace pilum::io
