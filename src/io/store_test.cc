// The conformance suite over every store, and what is particular to one of them.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "io/fault_store.h"
#include "io/local_object.h"
#include "io/posix_file.h"
#include "io/store_conformance.h"
#include "pilum/error.h"

namespace pilum::io {
namespace {

using ::testing::HasSubstr;

/// A new, empty directory that goes when the last test is over.
std::string FreshFolder() {
  static const struct Parent {
    std::filesystem::path path;
    Parent() {
      std::string name = ::testing::TempDir() + "pilum_store_XXXXXX";
      path = ::mkdtemp(name.data());
    }
    ~Parent() { std::filesystem::remove_all(path); }
  } parent;
  static std::atomic<int> next{0};
  std::filesystem::path folder = parent.path / std::to_string(next++);
  std::filesystem::create_directory(folder);
  return folder.string();
}

std::shared_ptr<ObjectStore> FreshLocalStore() {
  return OpenLocalStore(FreshFolder()).ValueOrDie();
}

std::shared_ptr<ObjectStore> SubStoreWithNeighbours(std::shared_ptr<ObjectStore> store) {
  EXPECT_TRUE(store->Put("outside", AsBytes("x")).ok());
  EXPECT_TRUE(store->Put("sub-/outside", AsBytes("x")).ok());
  return SubStore(SubStore(std::move(store), "sub"), "deep/er/");
}

TEST(LocalStore, WhatWasJustWrittenIsReadAtOnce) {
  auto store = FreshLocalStore();
  const std::string text = PatternText(100'000);
  ASSERT_TRUE(store->Put("x", AsBytes(text)).ok());
  auto object = store->Open("x").ValueOrDie();
  std::string out(text.size(), 0);
  const UniqueFd file = OpenFile(store->root() + "/x", O_RDONLY);
  const iovec probe{out.data(), out.size()};
  if (::preadv2(file.get(), &probe, 1, 0, RWF_NOWAIT) < 0 && errno == EOPNOTSUPP)
    GTEST_SKIP() << "this file system cannot tell what it has in memory";
  ASSERT_TRUE(object->ReadNow(0, {}, std::as_writable_bytes(std::span(out))));
  EXPECT_EQ(out, text);
}

INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, ::testing::Values(&MakeMemoryStore));
INSTANTIATE_TEST_SUITE_P(Local, StoreConformance, ::testing::Values(&FreshLocalStore));
INSTANTIATE_TEST_SUITE_P(SubOfMemory, StoreConformance, ::testing::Values([] {
                           return SubStoreWithNeighbours(MakeMemoryStore());
                         }));
INSTANTIATE_TEST_SUITE_P(SubOfLocal, StoreConformance, ::testing::Values([] {
                           return SubStoreWithNeighbours(FreshLocalStore());
                         }));
INSTANTIATE_TEST_SUITE_P(FaultlessFault, StoreConformance, ::testing::Values([] {
                           return std::make_shared<FaultStore>(MakeMemoryStore());
                         }));

class LocalStoreTest : public ::testing::Test {
 protected:
  void Put(std::string_view path, std::string_view text) {
    ASSERT_TRUE(store_->Put(path, AsBytes(text)).ok());
  }
  arrow::Status ReadAll(const ReadableObject& object) {
    std::vector<std::byte> out(object.size());
    return object.ReadAt(0, out);
  }
  size_t FilesIn(const std::string& folder) {
    std::filesystem::recursive_directory_iterator files(folder);
    return static_cast<size_t>(std::distance(begin(files), end(files)));
  }

  const std::string folder_ = FreshFolder();
  const std::shared_ptr<ObjectStore> store_ = OpenLocalStore(folder_).ValueOrDie();
};

TEST_F(LocalStoreTest, RootIsAbsoluteAndPlain) {
  EXPECT_EQ(OpenLocalStore(folder_ + "/./x/../").ValueOrDie()->root(), folder_);
  EXPECT_EQ(OpenLocalStore("some/where").ValueOrDie()->root(),
            (std::filesystem::current_path() / "some/where").string());
  EXPECT_EQ(OpenLocalStore("/").ValueOrDie()->root(), "/");
}

TEST_F(LocalStoreTest, RejectsWhatIsNoDirectory) {
  Put("file", "x");
  for (std::string path : {std::string(), std::string("a\0b", 3), folder_ + "/file"}) {
    EXPECT_EQ(GetErrorKind(OpenLocalStore(path).status()), ErrorKind::kInvalidArgument) << path;
  }
}

TEST_F(LocalStoreTest, PutMakesTheDirectoryOfTheStore) {
  auto store = OpenLocalStore(folder_ + "/not/yet").ValueOrDie();
  EXPECT_TRUE(store->List("").ValueOrDie().empty());
  ASSERT_TRUE(store->Put("x", AsBytes("1")).ok());
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/not/yet/x"));
}

TEST_F(LocalStoreTest, PutLeavesNoTemporaryFiles) {
  Put("x", "1");
  Put("x", "2");
  EXPECT_FALSE(store_->Put("x", AsBytes("3"), true).ok());
  std::filesystem::create_directory(folder_ + "/folder");
  EXPECT_FALSE(store_->Put("folder", AsBytes("4")).ok());
  EXPECT_FALSE(store_->Put("x/below/a/file", AsBytes("5")).ok());
  EXPECT_EQ(FilesIn(folder_), 2u);
}

TEST_F(LocalStoreTest, WriterLeavesNoTemporaryFiles) {
  {
    auto abandoned = store_->Create("x").ValueOrDie();
  }
  auto writer = store_->Create("x").ValueOrDie();
  ASSERT_TRUE(writer->Append(AsBytes("1")).ok());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_FALSE(store_->Create("x").ValueOrDie()->Finish().ok());
  EXPECT_FALSE(store_->Create("x/below").ok());
  EXPECT_EQ(FilesIn(folder_), 1u);
}

TEST_F(LocalStoreTest, WithoutSyncWritesAreAtomicStill) {
  auto store = OpenLocalStore(folder_, {.sync = false}).ValueOrDie();
  ASSERT_TRUE(store->Put("f/x", AsBytes("1"), true).ok());
  EXPECT_EQ(GetErrorKind(store->Put("f/x", AsBytes("2"), true)), ErrorKind::kAlreadyExists);
  ASSERT_TRUE(store->Create("f/y").ValueOrDie()->Finish().ok());
  EXPECT_EQ(FilesIn(folder_ + "/f"), 2u);
}

TEST_F(LocalStoreTest, ListHidesFilesBeingWritten) {
  std::ofstream(folder_ + "/.pilum-0123456789abcdef.tmp") << "half";
  EXPECT_TRUE(store_->List("").ValueOrDie().empty());
}

TEST_F(LocalStoreTest, ListShowsFilesThatWereNeverCompleted) {
  const std::string path = folder_ + "/.pilum-0123456789abcdef.tmp";
  std::ofstream(path) << "half";
  auto week_ago = std::filesystem::file_time_type::clock::now() - std::chrono::hours(24 * 7 + 1);
  std::filesystem::last_write_time(path, week_ago);
  ASSERT_EQ(store_->List("").ValueOrDie().size(), 1u);
  EXPECT_TRUE(store_->Delete(".pilum-0123456789abcdef.tmp").ok());
}

TEST_F(LocalStoreTest, FullDiskIsReportedAndLeavesNothing) {
  // A limit on file sizes fails a write in the same way as a full disk.
  rlimit old;
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &old), 0);
  auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small{4096, old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  arrow::Status status = store_->Put("big", AsBytes(std::string(100'000, 'x')));
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(GetErrorKind(status), ErrorKind::kUnavailable) << status.ToString();
  EXPECT_THAT(status.message(), HasSubstr(folder_ + "/big"));
  EXPECT_EQ(FilesIn(folder_), 0u);
}

TEST_F(LocalStoreTest, RefusedAccessIsPermission) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may do anything";
  Put("f/x", "1");
  ::chmod((folder_ + "/f").c_str(), 0);
  EXPECT_EQ(GetErrorKind(store_->Open("f/x").status()), ErrorKind::kPermission);
  EXPECT_EQ(GetErrorKind(store_->Put("f/y", AsBytes("1"))), ErrorKind::kPermission);
  EXPECT_EQ(GetErrorKind(store_->List("f").status()), ErrorKind::kPermission);
  ::chmod((folder_ + "/f").c_str(), 0755);
}

TEST_F(LocalStoreTest, PipeDoesNotBlockAndIsNoObject) {
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(GetErrorKind(store_->Open("pipe").status()), ErrorKind::kNotFound);
  EXPECT_TRUE(store_->List("").ValueOrDie().empty());
}

TEST_F(LocalStoreTest, FileThatShrankNamesOffsetExpectedAndActualSize) {
  Put("x", std::string(1000, 'x'));
  auto object = store_->Open("x").ValueOrDie();
  std::filesystem::resize_file(folder_ + "/x", 400);
  arrow::Status status = ReadAll(*object);
  auto detail = GetErrorDetail(status);
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->kind(), ErrorKind::kCorruptData);
  EXPECT_EQ(detail->where().path, folder_ + "/x");
  EXPECT_EQ(detail->where().offset, 400u);
  EXPECT_THAT(status.message(), HasSubstr("1000"));
  EXPECT_THAT(status.message(), HasSubstr("400"));
}

TEST_F(LocalStoreTest, ObjectsBeyondTheLimitHoldNoDescriptor) {
  Put("x", PatternText(1000));
  auto open_descriptors = [] {
    std::filesystem::directory_iterator entries("/proc/self/fd");
    return std::distance(begin(entries), end(entries));
  };
  auto before = open_descriptors();
  std::vector<std::shared_ptr<ReadableObject>> objects;
  for (int i = 0; i < 100; ++i) objects.push_back(OpenLocalObject(folder_ + "/x", 10).ValueOrDie());
  EXPECT_LE(open_descriptors() - before, 10);
  for (const auto& object : objects) EXPECT_TRUE(ReadAll(*object).ok());
  EXPECT_LE(open_descriptors() - before, 10);
  objects.clear();
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(LocalStoreTest, ObjectWithoutDescriptorNoticesAReplacedFile) {
  Put("x", "first");
  auto object = OpenLocalObject(folder_ + "/x", 0).ValueOrDie();
  EXPECT_TRUE(ReadAll(*object).ok());
  Put("x", "other");
  arrow::Status status = ReadAll(*object);
  EXPECT_EQ(GetErrorKind(status), ErrorKind::kCorruptData) << status.ToString();
  ASSERT_TRUE(store_->Delete("x").ok());
  EXPECT_EQ(GetErrorKind(ReadAll(*object)), ErrorKind::kNotFound);
}

TEST_F(LocalStoreTest, ReadsFilesOfMoreThanFourGigabytes) {
  Put("x", "");
  const uint64_t size = (uint64_t{5} << 30) + 3;
  std::filesystem::resize_file(folder_ + "/x", size);  // a hole: takes no space
  auto object = store_->Open("x").ValueOrDie();
  EXPECT_EQ(object->size(), size);
  std::vector<std::byte> out(8, std::byte{1});
  ASSERT_TRUE(object->ReadAt(size - 8, out).ok());
  EXPECT_EQ(out[7], std::byte{0});
}

TEST(MemoryStore, StaysUsableInAChildOfABusyParent) {
  auto store = MakeMemoryStore();
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      if (!store->Put("x", AsBytes("text")).ok()) return;
    }
  });
  for (int i = 0; i < 50; ++i) {
    pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      bool ok = store->Put("y", AsBytes("1")).ok() && store->Open("y").ok();
      ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  busy.join();
}

TEST(MemoryStore, EachIsPrivate) {
  ASSERT_TRUE(MakeMemoryStore()->Put("x", AsBytes("1")).ok());
  EXPECT_FALSE(MakeMemoryStore()->Open("x").ok());
}

TEST(SubStoreTest, PrefixThatLeavesTheStoreIsRejected) {
  auto sub = SubStore(MakeMemoryStore(), "../up");
  EXPECT_EQ(GetErrorKind(sub->Open("x").status()), ErrorKind::kInvalidArgument);
  EXPECT_EQ(GetErrorKind(sub->List("").status()), ErrorKind::kInvalidArgument);
}

class FaultStoreTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(store_->Put("data/x", AsBytes("0123456789")).ok()); }
  arrow::Result<std::string> Read(uint64_t offset, size_t length) {
    ARROW_ASSIGN_OR_RAISE(auto object, store_->Open("data/x"));
    std::string text(length, 0);
    ARROW_RETURN_NOT_OK(object->ReadAt(offset, std::as_writable_bytes(std::span(text))));
    return text;
  }

  std::shared_ptr<FaultStore> store_ = std::make_shared<FaultStore>(MakeMemoryStore());
};

TEST_F(FaultStoreTest, FailsTheReadsAskedFor) {
  store_->Fail(FaultStore::Call::kRead, ErrorKind::kUnavailable,
               {.path_contains = "data/", .skip = 1, .times = 1});
  EXPECT_TRUE(Read(0, 1).ok());
  EXPECT_EQ(GetErrorKind(Read(0, 1).status()), ErrorKind::kUnavailable);
  EXPECT_TRUE(Read(0, 1).ok());
  EXPECT_EQ(store_->calls(FaultStore::Call::kRead), 3);
  EXPECT_EQ(store_->bytes_read(), 2);
}

TEST_F(FaultStoreTest, WriterThatFailedLeavesNothing) {
  for (FaultStore::Call call : {FaultStore::Call::kAppend, FaultStore::Call::kFinish}) {
    store_->Fail(call, ErrorKind::kUnavailable, {.times = 1});
    auto writer = store_->Create("data/y").ValueOrDie();
    arrow::Status appended = writer->Append(AsBytes("text"));
    EXPECT_EQ(appended.ok(), call == FaultStore::Call::kFinish);
    EXPECT_FALSE(writer->Finish().ok());
    EXPECT_FALSE(store_->Open("data/y").ok());
  }
}

TEST_F(FaultStoreTest, FailsCallsThatTookEffect) {
  store_->FailAfterwards(FaultStore::Call::kPut, ErrorKind::kUnavailable, {.times = 1});
  EXPECT_EQ(GetErrorKind(store_->Put("data/y", AsBytes("1"))), ErrorKind::kUnavailable);
  EXPECT_TRUE(store_->Open("data/y").ok());
  store_->FailAfterwards(FaultStore::Call::kFinish, ErrorKind::kUnavailable, {.times = 1});
  EXPECT_FALSE(store_->Create("data/z").ValueOrDie()->Finish().ok());
  EXPECT_TRUE(store_->Open("data/z").ok());
}

TEST_F(FaultStoreTest, LeavesOtherPathsAlone) {
  store_->Fail(FaultStore::Call::kPut, ErrorKind::kPermission, {.path_contains = "other"});
  EXPECT_TRUE(store_->Put("data/y", AsBytes("1")).ok());
  EXPECT_EQ(GetErrorKind(store_->Put("other/y", AsBytes("1"))), ErrorKind::kPermission);
}

TEST_F(FaultStoreTest, TruncatesWithAndWithoutNotice) {
  store_->Truncate(4, true);
  EXPECT_EQ(store_->Open("data/x").ValueOrDie()->size(), 4u);
  store_->Clear();
  store_->Truncate(4, false);
  EXPECT_EQ(store_->Open("data/x").ValueOrDie()->size(), 10u);
  EXPECT_EQ(Read(0, 4).ValueOrDie(), "0123");
  EXPECT_EQ(GetErrorKind(Read(3, 2).status()), ErrorKind::kCorruptData);
}

TEST_F(FaultStoreTest, FlipsBits) {
  store_->FlipBits(3, std::byte{1});
  EXPECT_EQ(Read(0, 5).ValueOrDie(), "01224");
  EXPECT_EQ(Read(3, 1).ValueOrDie(), "2");
  EXPECT_EQ(Read(4, 2).ValueOrDie(), "45");
}

TEST_F(FaultStoreTest, Delays) {
  store_->Delay(FaultStore::Call::kRead, std::chrono::milliseconds(20));
  auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(Read(0, 1).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(20));
}

}  // namespace
}  // namespace pilum::io
