#include "scan/file_cache.h"

#include <gtest/gtest.h>

#include <thread>

#include "file/test_file.h"
#include "pilum/error.h"

namespace pilum::scan {
namespace {

std::string FileBytes() { return file::FileBuilder(file::FormatVersion::kV2_2).Finish(0); }

arrow::Result<std::shared_ptr<file::FileReader>> OpenFile() {
  return file::FileReader::Open(file::ObjectOf(FileBytes()));
}

/// Gets files, and counts how many had to be opened.
struct Opener {
  explicit Opener(size_t max_bytes) : cache(max_bytes) {}

  std::shared_ptr<file::FileReader> Get(const std::string& key) {
    return *cache.Get(key, [&] {
      ++opened;
      return OpenFile();
    });
  }

  FileCache cache;
  int opened = 0;
};

TEST(FileCache, OpensAFileOnce) {
  Opener files(1 << 20);
  auto first = files.Get("a");
  EXPECT_EQ(files.Get("a"), first);
  EXPECT_NE(files.Get("b"), first);
  EXPECT_EQ(files.opened, 2);
}

TEST(FileCache, TheFileNotUsedForLongestGoes) {
  const size_t bytes = (*OpenFile())->memory_bytes();
  Opener files(3 * bytes);
  files.Get("a");
  files.Get("b");
  files.Get("c");
  files.Get("a");
  files.Get("d");  // drops b
  EXPECT_EQ(files.opened, 4);
  files.Get("a");
  files.Get("c");
  files.Get("d");
  EXPECT_EQ(files.opened, 4);
  files.Get("b");
  EXPECT_EQ(files.opened, 5);
}

TEST(FileCache, KeepsTheLastFileHoweverLarge) {
  Opener files(1);
  auto file = files.Get("a");
  EXPECT_EQ(files.Get("a"), file);
  files.Get("b");
  files.Get("a");
  EXPECT_EQ(files.opened, 3);
}

TEST(FileCache, FailuresAreNotKept) {
  FileCache cache(1 << 20);
  auto failed = cache.Get("a", [] { return MakeError(ErrorKind::kUnavailable, "not now"); });
  EXPECT_EQ(GetErrorKind(failed.status()), ErrorKind::kUnavailable);
  EXPECT_TRUE(cache.Get("a", [] { return OpenFile(); }).ok());
}

TEST(FileCache, ThreadsShareFiles) {
  FileCache cache(2 * (*OpenFile())->memory_bytes());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 200; ++i) {
        auto file = cache.Get(std::to_string((i + t) % 5), [] { return OpenFile(); });
        EXPECT_TRUE(file.ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace pilum::scan
