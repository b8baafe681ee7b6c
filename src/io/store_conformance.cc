#include "io/store_conformance.h"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "pilum/error.h"

namespace pilum::io {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string PatternText(size_t size) {
  std::string text(size, 0);
  for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761u) >> 13);
  return text;
}

void StoreConformance::Put(std::string_view path, std::string_view text) {
  arrow::Status status = store_->Put(path, AsBytes(text));
  ASSERT_TRUE(status.ok()) << status.ToString();
}

std::unique_ptr<ObjectWriter> StoreConformance::Create(std::string_view path) {
  auto writer = store_->Create(path);
  EXPECT_TRUE(writer.ok()) << writer.status().ToString();
  return writer.ok() ? *std::move(writer) : nullptr;
}

arrow::Result<std::string> StoreConformance::Read(std::string_view path) {
  ARROW_ASSIGN_OR_RAISE(auto object, store_->Open(path));
  std::string text(object->size(), 0);
  ARROW_RETURN_NOT_OK(object->ReadAt(0, std::as_writable_bytes(std::span(text))));
  return text;
}

namespace {

std::vector<std::string> PathsOf(const arrow::Result<std::vector<ObjectInfo>>& listed) {
  std::vector<std::string> paths;
  if (!listed.ok()) return {listed.status().ToString()};
  for (const ObjectInfo& object : *listed) paths.push_back(object.path);
  return paths;
}

ErrorKind KindOfRead(const ReadableObject& object, uint64_t offset, size_t length) {
  std::vector<std::byte> out(length);
  arrow::Status status = object.ReadAt(offset, out);
  EXPECT_FALSE(status.ok());
  auto detail = GetErrorDetail(status);
  EXPECT_NE(detail, nullptr);
  EXPECT_EQ(detail->where().path, object.name());
  EXPECT_TRUE(detail->where().offset.has_value());
  return detail->kind();
}

const std::string_view kBadPaths[] = {"",     "/",      "/a",   "a/",  "a//b", ".",        "..",
                                      "../a", "a/../b", "a/..", "./a", "a/.",  {"a\0b", 3}};

TEST_P(StoreConformance, ReadsWhatWasPut) {
  Put("a/b/c.bin", PatternText(100'000));
  auto text = Read("a/b/c.bin");
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_EQ(*text, PatternText(100'000));
}

TEST_P(StoreConformance, KeepsAnEmptyObject) {
  Put("empty", "");
  auto object = store_->Open("empty");
  ASSERT_TRUE(object.ok());
  EXPECT_EQ((*object)->size(), 0u);
  EXPECT_TRUE((*object)->ReadAt(0, {}).ok());
  EXPECT_EQ(KindOfRead(**object, 0, 1), ErrorKind::kCorruptData);
}

TEST_P(StoreConformance, ReadsRanges) {
  const std::string text = PatternText(10'000);
  Put("x", text);
  auto object = store_->Open("x").ValueOrDie();
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    size_t offset = random() % (text.size() + 1);
    size_t length = random() % (text.size() - offset + 1);
    std::string out(length, 0);
    ASSERT_TRUE(object->ReadAt(offset, std::as_writable_bytes(std::span(out))).ok());
    ASSERT_EQ(out, text.substr(offset, length)) << offset << "+" << length;
  }
}

TEST_P(StoreConformance, ReadsIntoTwoPieces) {
  const std::string text = PatternText(10'000);
  Put("x", text);
  auto object = store_->Open("x").ValueOrDie();
  std::string head(4, 0), rest(6000, 0);
  const auto read = [&](uint64_t offset) {
    return object->ReadInTwo(offset, std::as_writable_bytes(std::span(head)),
                             std::as_writable_bytes(std::span(rest)));
  };
  for (uint64_t offset : {0, 7, 3996}) {
    ASSERT_TRUE(read(offset).ok());
    EXPECT_EQ(head + rest, text.substr(offset, 6004));
  }
  EXPECT_EQ(GetErrorKind(read(3997)), ErrorKind::kCorruptData);
  ASSERT_TRUE(object->ReadInTwo(7, {}, std::as_writable_bytes(std::span(rest))).ok());
  EXPECT_EQ(rest, text.substr(7, rest.size()));
}

TEST_P(StoreConformance, WhatIsReadAtOnceIsWhatThereIs) {
  const std::string text = PatternText(10'000);
  Put("x", text);
  auto object = store_->Open("x").ValueOrDie();
  for (size_t head_size : {0, 4}) {
    std::string head(head_size, 0), rest(6000, 0);
    const auto read = [&](uint64_t offset) {
      return object->ReadNow(offset, std::as_writable_bytes(std::span(head)),
                             std::as_writable_bytes(std::span(rest)));
    };
    for (uint64_t offset : {0, 7, 3996}) {
      if (!read(offset)) continue;  // which it may always say
      EXPECT_EQ(head + rest, text.substr(offset, head.size() + rest.size()));
    }
    EXPECT_FALSE(read(9000));
    EXPECT_FALSE(read(1'000'000));
  }
}

TEST_P(StoreConformance, BytesInMemoryAreThoseOfTheObject) {
  const std::string text = PatternText(10'000);
  Put("x", text);
  auto object = store_->Open("x").ValueOrDie();
  std::string out(8, 0);
  for (size_t i = 0; i < 5000; ++i) {
    const size_t offset = i * 7 % (text.size() - out.size());
    ASSERT_TRUE(object->ReadAt(offset, std::as_writable_bytes(std::span(out))).ok());
    ASSERT_EQ(out, text.substr(offset, out.size()));
    const std::byte* bytes = object->Resident(offset, out.size());
    if (bytes == nullptr) continue;
    ASSERT_EQ(std::string(reinterpret_cast<const char*>(bytes), out.size()), out);
  }
}

TEST_P(StoreConformance, ReadPastTheEndIsCorruptData) {
  Put("x", "0123456789");
  auto object = store_->Open("x").ValueOrDie();
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(KindOfRead(*object, 0, 11), ErrorKind::kCorruptData);
  EXPECT_EQ(KindOfRead(*object, 9, 2), ErrorKind::kCorruptData);
  EXPECT_EQ(KindOfRead(*object, 11, 0), ErrorKind::kCorruptData);
  EXPECT_EQ(KindOfRead(*object, kMax, 2), ErrorKind::kCorruptData);
  EXPECT_EQ(KindOfRead(*object, kMax - 1, 1), ErrorKind::kCorruptData);
}

TEST_P(StoreConformance, KnownSizeMayBeWrong) {
  Put("x", "0123456789");
  for (uint64_t size : {10, 3, 1000}) {
    auto object = store_->Open("x", size);
    if (!object.ok() || (*object)->size() != 10) continue;  // a store may believe it
    std::string out(10, 0);
    EXPECT_TRUE((*object)->ReadAt(0, std::as_writable_bytes(std::span(out))).ok());
    EXPECT_EQ(out, "0123456789");
  }
}

TEST_P(StoreConformance, MissingObjectIsNotFoundAndNamed) {
  Put("folder/x", "1");
  for (std::string_view path : {"y", "folder/y", "folder", "other/x", "folder/x/y"}) {
    arrow::Status status = store_->Open(path).status();
    EXPECT_EQ(GetErrorKind(status), ErrorKind::kNotFound) << path;
    EXPECT_THAT(status.message(), ::testing::HasSubstr(std::string(path)));
  }
}

TEST_P(StoreConformance, NameContainsRootAndPath) {
  Put("folder/x", "1");
  auto object = store_->Open("folder/x").ValueOrDie();
  EXPECT_TRUE(object->name().starts_with(store_->root())) << object->name();
  EXPECT_TRUE(object->name().ends_with("/folder/x")) << object->name();
}

TEST_P(StoreConformance, ListsObjectsDirectlyUnderAFolder) {
  Put("a", "1");
  Put("f/b", "22");
  Put("f/c", "333");
  Put("f/g/d", "4");
  Put("ff/e", "5");
  EXPECT_THAT(PathsOf(store_->List("")), ElementsAre("a"));
  EXPECT_THAT(PathsOf(store_->List("f")), UnorderedElementsAre("f/b", "f/c"));
  EXPECT_THAT(PathsOf(store_->List("f/")), UnorderedElementsAre("f/b", "f/c"));
  EXPECT_THAT(PathsOf(store_->List("f/g")), ElementsAre("f/g/d"));
  for (const ObjectInfo& object : store_->List("f").ValueOrDie()) {
    EXPECT_EQ(object.size, object.path == "f/b" ? 2u : 3u);
  }
}

TEST_P(StoreConformance, ReplacedObjectsHaveAnotherStamp) {
  Put("f/a", "1");
  Put("f/b", "1");
  const auto before = store_->List("f").ValueOrDie();
  ASSERT_TRUE(store_->Put("f/a", AsBytes("2")).ok());
  for (const ObjectInfo& object : store_->List("f").ValueOrDie()) {
    const auto was = std::find_if(before.begin(), before.end(),
                                  [&](const auto& o) { return o.path == object.path; });
    EXPECT_EQ(object.stamp == was->stamp, object.path == "f/b");
  }
}

TEST_P(StoreConformance, ListsWhenObjectsWereWritten) {
  using std::chrono::duration_cast;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Put("x", "1");
  const int64_t modified = store_->List("").ValueOrDie().at(0).modified_us;
  const int64_t minute = 60'000'000;
  EXPECT_LT(std::abs(modified - duration_cast<std::chrono::microseconds>(now).count()), minute);
}

TEST_P(StoreConformance, ListsFoldersDirectlyUnderAFolder) {
  Put("a", "1");
  Put("f/b", "2");
  Put("f/g/d", "4");
  Put("f/g/e", "4");
  Put("f/h/i/j", "4");
  Put("f-/x", "5");
  EXPECT_THAT(store_->ListFolders("").ValueOrDie(), UnorderedElementsAre("f", "f-"));
  EXPECT_THAT(store_->ListFolders("f").ValueOrDie(), UnorderedElementsAre("g", "h"));
  EXPECT_THAT(store_->ListFolders("f/g").ValueOrDie(), IsEmpty());
}

TEST_P(StoreConformance, MissingFolderIsAnEmptyOne) {
  Put("x", "1");
  EXPECT_THAT(PathsOf(store_->List("nowhere")), IsEmpty());
  EXPECT_THAT(store_->ListFolders("nowhere").ValueOrDie(), IsEmpty());
  EXPECT_THAT(PathsOf(store_->List("x")), IsEmpty());
}

TEST_P(StoreConformance, PutReplaces) {
  Put("x", "a long first version");
  auto before = store_->Open("x").ValueOrDie();
  Put("x", "second");
  EXPECT_EQ(Read("x").ValueOrDie(), "second");
  std::string out(20, 0);  // what is open stays what it was
  EXPECT_TRUE(before->ReadAt(0, std::as_writable_bytes(std::span(out))).ok());
  EXPECT_EQ(out, "a long first version");
}

TEST_P(StoreConformance, CreateOnlyLeavesAnExistingObject) {
  ASSERT_TRUE(store_->Put("v/1", AsBytes("first"), true).ok());
  arrow::Status status = store_->Put("v/1", AsBytes("second"), true);
  EXPECT_EQ(GetErrorKind(status), ErrorKind::kAlreadyExists) << status.ToString();
  EXPECT_EQ(Read("v/1").ValueOrDie(), "first");
  EXPECT_THAT(PathsOf(store_->List("v")), ElementsAre("v/1"));
}

TEST_P(StoreConformance, OneOfManyCreatorsWins) {
  for (int round = 0; round < 10; ++round) {
    std::string path = "v/" + std::to_string(round);
    std::atomic<int> winners{0};
    std::atomic<int> losers{0};
    std::atomic<int> winner{-1};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        arrow::Status status = store_->Put(path, AsBytes(std::string(1000, 'a' + t)), true);
        if (status.ok()) {
          ++winners;
          winner = t;
        } else if (GetErrorKind(status) == ErrorKind::kAlreadyExists) {
          ++losers;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(winners, 1);
    ASSERT_EQ(losers, 7);
    ASSERT_EQ(Read(path).ValueOrDie(), std::string(1000, 'a' + winner));
  }
}

TEST_P(StoreConformance, ReadersSeeAllOfAReplacedObjectOrNothing) {
  Put("x", std::string(50'000, 'a'));
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      std::string text(50'000 - 10 * (i % 3), 'a' + i % 3);
      if (!store_->Put("x", AsBytes(text)).ok()) return;
    }
  });
  for (int i = 0; i < 200; ++i) {
    auto text = Read("x");
    EXPECT_TRUE(text.ok()) << text.status().ToString();
    if (!text.ok()) break;
    EXPECT_EQ(text->size(), 50'000u - 10 * (text->front() - 'a'));
    EXPECT_EQ(text->find_first_not_of(text->front()), std::string::npos);
  }
  stop = true;
  writer.join();
}

TEST_P(StoreConformance, WritesAnObjectInPieces) {
  const std::string text = PatternText(300'000);
  auto writer = Create("a/b/x");
  for (size_t at = 0, piece = 0; at < text.size(); at += piece, piece = piece * 3 + 1) {
    ASSERT_TRUE(writer->Append(AsBytes(text).subspan(at, std::min(piece, text.size() - at))).ok());
    ASSERT_EQ(writer->size(), std::min(at + piece, text.size()));
  }
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(Read("a/b/x").ValueOrDie(), text);
}

TEST_P(StoreConformance, FinishMakesAnEmptyObject) {
  ASSERT_TRUE(Create("x")->Finish().ok());
  EXPECT_EQ(Read("x").ValueOrDie(), "");
}

TEST_P(StoreConformance, ObjectIsInvisibleUntilFinish) {
  auto writer = Create("f/x");
  ASSERT_TRUE(writer->Append(AsBytes("text")).ok());
  EXPECT_EQ(GetErrorKind(store_->Open("f/x").status()), ErrorKind::kNotFound);
  EXPECT_THAT(PathsOf(store_->List("f")), IsEmpty());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_THAT(PathsOf(store_->List("f")), ElementsAre("f/x"));
}

TEST_P(StoreConformance, WriterWithoutFinishLeavesNothing) {
  ASSERT_TRUE(Create("f/x")->Append(AsBytes("text")).ok());
  EXPECT_EQ(GetErrorKind(store_->Open("f/x").status()), ErrorKind::kNotFound);
  EXPECT_THAT(PathsOf(store_->List("f")), IsEmpty());
}

TEST_P(StoreConformance, WriterLeavesAnObjectThatCameFirst) {
  auto writer = Create("x");
  ASSERT_TRUE(writer->Append(AsBytes("mine")).ok());
  Put("x", "theirs");
  EXPECT_EQ(GetErrorKind(writer->Finish()), ErrorKind::kAlreadyExists);
  EXPECT_EQ(Read("x").ValueOrDie(), "theirs");
}

TEST_P(StoreConformance, NothingIsWrittenAfterFinish) {
  auto writer = Create("x");
  ASSERT_TRUE(writer->Append(AsBytes("text")).ok());
  ASSERT_TRUE(writer->Finish().ok());
  EXPECT_EQ(GetErrorKind(writer->Append(AsBytes("more"))), ErrorKind::kInvalidArgument);
  EXPECT_EQ(GetErrorKind(writer->Finish()), ErrorKind::kInvalidArgument);
  EXPECT_EQ(Read("x").ValueOrDie(), "text");
}

TEST_P(StoreConformance, WriterOutlivesTheStoreHandle) {
  auto writer = Create("x");
  store_.reset();
  EXPECT_TRUE(writer->Append(AsBytes("text")).ok());
  EXPECT_TRUE(writer->Finish().ok());
}

TEST_P(StoreConformance, DeleteRemovesAndForgivesWhatIsMissing) {
  Put("f/x", "1");
  EXPECT_TRUE(store_->Delete("f/x").ok());
  EXPECT_EQ(GetErrorKind(store_->Open("f/x").status()), ErrorKind::kNotFound);
  EXPECT_TRUE(store_->Delete("f/x").ok());
  EXPECT_TRUE(store_->Delete("nowhere/x").ok());
  Put("f/x", "2");
  EXPECT_TRUE(store_->Delete("f").ok());  // no object of that name
  EXPECT_EQ(Read("f/x").ValueOrDie(), "2");
}

TEST_P(StoreConformance, NamesAndDescriptionsAreThoseOfTheListing) {
  Put("f/x", "1");
  Put("f/yy", "22");
  Put("f/g/z", "3");
  std::vector<std::string> names;
  const auto visit = [&](std::string_view name) { names.emplace_back(name); };
  EXPECT_TRUE(store_->VisitNames("f/", visit).ok());
  EXPECT_TRUE(store_->VisitNames("nowhere", visit).ok());
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"x", "yy"}));
  for (const ObjectInfo& listed : store_->List("f").ValueOrDie()) {
    const ObjectInfo described = store_->Describe(listed.path).ValueOrDie();
    EXPECT_EQ(described.path, listed.path);
    EXPECT_EQ(described.size, listed.size);
    EXPECT_EQ(described.stamp, listed.stamp);
    EXPECT_EQ(described.modified_us, listed.modified_us);
  }
  EXPECT_EQ(GetErrorKind(store_->Describe("f/nothing").status()), ErrorKind::kNotFound);
  EXPECT_EQ(GetErrorKind(store_->Describe("f").status()), ErrorKind::kNotFound);
  EXPECT_EQ(GetErrorKind(store_->Describe("f/x/y").status()), ErrorKind::kNotFound);
}

TEST_P(StoreConformance, DeleteFolderRemovesWhatIsBelowAndNothingElse) {
  Put("f/x", "1");
  Put("f/g/y", "2");
  Put("f2/x", "3");
  EXPECT_TRUE(store_->DeleteFolder("f").ok());
  EXPECT_TRUE(store_->DeleteFolder("f").ok());
  EXPECT_EQ(store_->ListFolders("").ValueOrDie(), std::vector<std::string>{"f2"});
  EXPECT_EQ(Read("f2/x").ValueOrDie(), "3");
}

TEST_P(StoreConformance, RenameFolderMovesAllOfItOrNothing) {
  Put("f/x", "1");
  Put("f/g/y", "2");
  Put("taken/x", "3");
  EXPECT_EQ(GetErrorKind(store_->RenameFolder("f", "taken")), ErrorKind::kAlreadyExists);
  EXPECT_EQ(GetErrorKind(store_->RenameFolder("nowhere", "new")), ErrorKind::kNotFound);
  EXPECT_EQ(Read("f/g/y").ValueOrDie(), "2");
  EXPECT_TRUE(store_->RenameFolder("f", "new").ok());
  EXPECT_EQ(Read("new/x").ValueOrDie(), "1");
  EXPECT_EQ(Read("new/g/y").ValueOrDie(), "2");
  EXPECT_EQ(Read("taken/x").ValueOrDie(), "3");
  EXPECT_EQ(GetErrorKind(store_->Open("f/x").status()), ErrorKind::kNotFound);
}

TEST_P(StoreConformance, RejectsPathsThatLeaveTheStoreOrAreAmbiguous) {
  for (std::string_view path : kBadPaths) {
    EXPECT_EQ(GetErrorKind(store_->Open(path).status()), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->Put(path, AsBytes("x"))), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->Create(path).status()), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->Delete(path)), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->DeleteFolder(path)), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->RenameFolder(path, "x")), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->RenameFolder("x", path)), ErrorKind::kInvalidArgument) << path;
  }
  for (std::string_view path : {"/", "/a", "a//b", "..", "a/../..", "."}) {
    EXPECT_EQ(GetErrorKind(store_->List(path).status()), ErrorKind::kInvalidArgument) << path;
    EXPECT_EQ(GetErrorKind(store_->ListFolders(path).status()), ErrorKind::kInvalidArgument)
        << path;
  }
}

TEST_P(StoreConformance, KeepsUnusualNames) {
  const std::string names[] = {"with space", "ünï", "a%2Fb", "...", "..x", "-", ".hidden", "a=b&c"};
  for (const std::string& name : names) Put("n/" + name, name);
  for (const std::string& name : names) EXPECT_EQ(Read("n/" + name).ValueOrDie(), name);
  EXPECT_EQ(PathsOf(store_->List("n")).size(), std::size(names));
}

TEST_P(StoreConformance, ThreadsReadOneObjectAtOnce) {
  const std::string text = PatternText(200'000);
  Put("x", text);
  auto object = store_->Open("x").ValueOrDie();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(t);
      for (int i = 0; i < 300; ++i) {
        size_t offset = random() % text.size();
        std::string out(std::min<size_t>(random() % 5000, text.size() - offset), 0);
        bool ok = object->ReadAt(offset, std::as_writable_bytes(std::span(out))).ok();
        if (!ok || out != text.substr(offset, out.size())) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_P(StoreConformance, OpenObjectOutlivesTheStoreHandle) {
  Put("x", "still here");
  auto object = store_->Open("x").ValueOrDie();
  store_.reset();
  std::string out(10, 0);
  EXPECT_TRUE(object->ReadAt(0, std::as_writable_bytes(std::span(out))).ok());
  EXPECT_EQ(out, "still here");
}

}  // namespace
}  // namespace pilum::io
