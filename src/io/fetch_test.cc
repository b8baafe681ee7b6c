#include "io/fetch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <new>
#include <random>
#include <thread>

#include "io/fault_store.h"
#include "io/store_conformance.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/runtime.h"

namespace pilum::io {
namespace {

using Call = FaultStore::Call;
constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

class FetchTest : public ::testing::Test {
 protected:
  std::shared_ptr<ReadableObject> Object(const std::string& path, const std::string& text) {
    EXPECT_TRUE(store_->Put(path, AsBytes(text)).ok());
    return store_->Open(path).ValueOrDie();
  }
  static std::string Text(const Fetch& fetch, Fetch::Id id) {
    auto bytes = fetch.bytes(id);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::shared_ptr<FaultStore> store_ = std::make_shared<FaultStore>(MakeMemoryStore());
};

TEST_F(FetchTest, NothingToReadSucceeds) {
  Fetch fetch;
  EXPECT_TRUE(fetch.empty());
  EXPECT_TRUE(fetch.Run().ok());
}

TEST_F(FetchTest, RandomRangesOfSeveralObjectsEqualTheObjects) {
  std::mt19937 random(5);
  std::vector<std::string> texts;
  std::vector<std::shared_ptr<ReadableObject>> objects;
  for (size_t size : {1, 1000, 70'000, 3'000'000}) {
    texts.push_back(PatternText(size));
    objects.push_back(Object("o" + std::to_string(size), texts.back()));
  }
  for (int round = 0; round < 60; ++round) {
    Fetch fetch;
    std::vector<std::string> expected;
    size_t max_length = size_t{1} << (random() % 21);
    for (int i = random() % 400; i >= 0; --i) {
      size_t which = random() % texts.size();
      size_t offset = random() % (texts[which].size() + 1);
      size_t length = std::min<size_t>(random() % max_length, texts[which].size() - offset);
      ASSERT_EQ(fetch.Add(objects[which], {offset, length}), expected.size());
      expected.push_back(texts[which].substr(offset, length));
    }
    ASSERT_TRUE(fetch.Run().ok());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(Text(fetch, static_cast<Fetch::Id>(i)), expected[i]);
    }
  }
}

TEST_F(FetchTest, NeighboursShareOneRead) {
  auto object = Object("x", PatternText(1000));
  Fetch fetch;
  fetch.Add(object, {300, 10});
  fetch.Add(object, {0, 100});
  fetch.Add(object, {50, 100});  // overlaps
  fetch.Add(object, {150, 20});  // touches
  fetch.Add(object, {310 + object->policy().max_gap, 5});
  ASSERT_TRUE(fetch.Run().ok());
  EXPECT_EQ(store_->calls(Call::kRead), 1);
}

TEST_F(FetchTest, RangesFurtherApartThanTheGapAreReadAlone) {
  auto object = Object("x", PatternText(10'000));
  Fetch fetch;
  fetch.Add(object, {0, 10});
  fetch.Add(object, {11 + object->policy().max_gap, 10});
  ASSERT_TRUE(fetch.Run().ok());
  EXPECT_EQ(store_->calls(Call::kRead), 2);
  EXPECT_EQ(store_->bytes_read(), 20);
}

TEST_F(FetchTest, LargeRangesAreReadInPartsIntoOneView) {
  const std::string text = PatternText(20 << 20);
  auto object = Object("x", text);
  Fetch fetch;
  auto id = fetch.Add(object, {1, text.size() - 1});
  ASSERT_TRUE(fetch.Run().ok());
  EXPECT_EQ(store_->calls(Call::kRead), 3);
  EXPECT_EQ(Text(fetch, id), text.substr(1));
}

TEST_F(FetchTest, ThousandsOfSmallReadsMakeOneAllocation) {
  auto object = Object("x", PatternText(4 << 20));
  Fetch fetch;
  for (uint64_t i = 0; i < 1536; ++i) fetch.Add(object, {i * 2500, 64});
  int64_t before = GetMemoryPool()->num_allocations();
  ASSERT_TRUE(fetch.Run().ok());
  EXPECT_EQ(GetMemoryPool()->num_allocations() - before, 1);
  EXPECT_EQ(store_->calls(Call::kRead), 1536);
}

TEST_F(FetchTest, ViewsKeepTheAlignmentOfTheirOffsets) {
  auto object = Object("x", PatternText(100'000));
  Fetch fetch;
  std::vector<uint64_t> offsets;
  for (uint64_t i = 0; i < 50; ++i) offsets.push_back(i * 1111);
  for (uint64_t offset : offsets) fetch.Add(object, {offset, 10});
  ASSERT_TRUE(fetch.Run().ok());
  for (Fetch::Id id = 0; id < offsets.size(); ++id) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(fetch.bytes(id).data()) % 64, offsets[id] % 64);
  }
}

TEST_F(FetchTest, WhatTheObjectHasInMemoryIsNotRead) {
  const std::string text = PatternText(10'000);
  auto store = MakeMemoryStore();
  ASSERT_TRUE(store->Put("x", AsBytes(text)).ok());
  auto object = store->Open("x").ValueOrDie();
  Fetch fetch;
  auto id = fetch.Add(object, {5, 4000});
  int64_t before = GetMemoryPool()->num_allocations();
  ASSERT_TRUE(fetch.Run().ok());
  EXPECT_EQ(fetch.bytes(id).data(), object->Resident(5, 4000));
  EXPECT_EQ(GetMemoryPool()->num_allocations(), before);
  EXPECT_EQ(Text(fetch, id), text.substr(5, 4000));
}

TEST_F(FetchTest, RangesThatAreReadAloneAreReadToTheirPlaces) {
  const std::string text = PatternText(100'000);
  auto object = Object("x", text);
  std::string places[4];
  Fetch fetch;
  const auto add = [&](uint64_t offset, uint64_t length, std::string* place) {
    place->resize(length - 4);
    return fetch.Add(object, {offset, length}, std::as_writable_bytes(std::span(*place)));
  };
  fetch.Add(object, {50'000, 10});
  const auto alone = add(10'000, 5000, &places[0]);
  const auto first = add(20'000, 500, &places[1]);
  const auto second = add(20'400, 500, &places[2]);  // overlaps
  const auto without = fetch.Add(object, {30'000, 10});
  store_->Fail(Call::kRead, ErrorKind::kUnavailable, {.skip = 1, .times = 1});
  for (bool ok : {false, true}) {
    ASSERT_EQ(fetch.Run().ok(), ok);
  }
  EXPECT_EQ(Text(fetch, alone) + places[0], text.substr(10'000, 5000));
  EXPECT_EQ(Text(fetch, alone).size(), 4u);
  EXPECT_EQ(Text(fetch, first), text.substr(20'000, 500));
  EXPECT_EQ(Text(fetch, second), text.substr(20'400, 500));
  EXPECT_EQ(Text(fetch, without), text.substr(30'000, 10));
  EXPECT_EQ(fetch.volume().reads, 4u);
  EXPECT_EQ(fetch.volume().bytes, 5920u);
}

TEST_F(FetchTest, RangesThatAreInMemoryOrReadInPartsAreNotReadToTheirPlaces) {
  const std::string text = PatternText(9 << 20);
  auto store = MakeMemoryStore();
  ASSERT_TRUE(store->Put("x", AsBytes(text)).ok());
  std::string place(text.size() - 4, 0);
  for (const auto& object : {Object("x", text), store->Open("x").ValueOrDie()}) {
    Fetch fetch;
    const auto id = fetch.Add(object, {0, text.size()}, std::as_writable_bytes(std::span(place)));
    ASSERT_TRUE(fetch.Run().ok());
    EXPECT_EQ(Text(fetch, id), text);
  }
}

TEST_F(FetchTest, EmptyRangesAreAllowedUpToTheEnd) {
  auto object = Object("x", "0123456789");
  Fetch fetch;
  auto start = fetch.Add(object, {0, 0});
  auto end = fetch.Add(object, {10, 0});
  ASSERT_TRUE(fetch.Run().ok());
  EXPECT_TRUE(fetch.bytes(start).empty());
  EXPECT_TRUE(fetch.bytes(end).empty());
  EXPECT_EQ(store_->calls(Call::kRead), 0);
}

TEST_F(FetchTest, RangeOutsideTheObjectIsCorruptDataBeforeAnythingIsAllocatedOrRead) {
  auto object = Object("x", "0123456789");
  const ByteRange bad[] = {{0, 11},   {10, 1},      {11, 0},  {kMax, 1},
                           {1, kMax}, {kMax, kMax}, {0, kMax}};
  for (ByteRange range : bad) {
    Fetch fetch;
    fetch.Add(object, {0, 10});
    fetch.Add(object, range);
    int64_t before = GetMemoryPool()->num_allocations();
    arrow::Status status = fetch.Run();
    auto detail = GetErrorDetail(status);
    ASSERT_NE(detail, nullptr);
    EXPECT_EQ(detail->kind(), ErrorKind::kCorruptData);
    EXPECT_EQ(detail->where().path, object->name());
    EXPECT_EQ(detail->where().offset, range.offset);
    EXPECT_EQ(GetMemoryPool()->num_allocations(), before);
  }
  EXPECT_EQ(store_->calls(Call::kRead), 0);
}

TEST_F(FetchTest, ReadBytesAreWhatLiesBetweenNeighboursAsWell) {
  auto object = Object("x", "0");
  auto other = Object("y", "0");
  const uint64_t gap = object->policy().max_gap;
  Fetch fetch;
  fetch.Add(object, {0, 5});
  EXPECT_EQ(fetch.read_bytes(), 5u);
  fetch.Add(object, {5 + gap, 10});
  EXPECT_EQ(fetch.read_bytes(), 15 + gap);
  fetch.Add(object, {2 * gap + 16, 10});  // too far away
  fetch.Add(object, {0, 10});             // before it
  fetch.Add(other, {11, 10});
  EXPECT_EQ(fetch.read_bytes(), 45 + gap);
}

TEST_F(FetchTest, ReadBytesDoNotOverflow) {
  auto object = Object("x", "0");
  Fetch fetch;
  fetch.Add(object, {0, kMax});
  fetch.Add(object, {0, kMax});
  EXPECT_EQ(fetch.read_bytes(), kMax);
}

TEST_F(FetchTest, FailedReadFailsTheRun) {
  auto object = Object("x", PatternText(1 << 20));
  for (int64_t nth : {0, 1, 50, 399}) {
    store_->Clear();
    store_->Fail(Call::kRead, ErrorKind::kUnavailable, {.skip = nth, .times = 1});
    Fetch fetch;
    for (uint64_t i = 0; i < 400; ++i) fetch.Add(object, {i * 2500, 100});
    EXPECT_EQ(GetErrorKind(fetch.Run()), ErrorKind::kUnavailable) << nth;
    EXPECT_TRUE(fetch.Run().ok()) << "the fault is over";
  }
}

TEST_F(FetchTest, ObjectThatShrankIsCorruptData) {
  auto object = Object("x", PatternText(1000));
  store_->Truncate(500, false);
  Fetch fetch;
  fetch.Add(object, {400, 200});
  EXPECT_EQ(GetErrorKind(fetch.Run()), ErrorKind::kCorruptData);
}

TEST_F(FetchTest, SlowReadsRunAtTheSameTime) {
  auto object = Object("x", PatternText(1 << 20));
  store_->Delay(Call::kRead, std::chrono::milliseconds(5));
  Fetch fetch;
  for (uint64_t i = 0; i < 400; ++i) fetch.Add(object, {i * 2500, 64});
  auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(fetch.Run().ok());
  // One after the other they take two seconds.
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1000));
}

/// Starts a fetch and waits for its end.
arrow::Status StartAndWait(Fetch& fetch) {
  std::promise<arrow::Status> result;  // throws when it is set twice
  ARROW_ASSIGN_OR_RAISE(const bool all, fetch.Start(0, [&](arrow::Status status) {
    result.set_value(std::move(status));
  }));
  return all ? arrow::Status::OK() : result.get_future().get();
}

TEST_F(FetchTest, StartCallsDoneOnceWithTheResult) {
  const std::string text = PatternText(1 << 20);
  auto object = Object("x", text);
  for (int round = 0; round < 200; ++round) {
    Fetch fetch;
    for (uint64_t i = 0; i < 300; ++i) fetch.Add(object, {i * 2500, 100});
    ASSERT_TRUE(StartAndWait(fetch).ok());
    ASSERT_EQ(Text(fetch, 299), text.substr(299 * 2500, 100));
  }
}

TEST_F(FetchTest, StartReportsErrorsAndEmptyFetches) {
  auto object = Object("x", PatternText(1 << 20));
  Fetch nothing;
  EXPECT_TRUE(StartAndWait(nothing).ok());
  Fetch outside;
  outside.Add(object, {1 << 20, 1});
  EXPECT_EQ(GetErrorKind(StartAndWait(outside)), ErrorKind::kCorruptData);
  store_->Fail(Call::kRead, ErrorKind::kUnavailable, {.skip = 100, .times = 1});
  Fetch failing;
  for (uint64_t i = 0; i < 400; ++i) failing.Add(object, {i * 2500, 100});
  EXPECT_EQ(GetErrorKind(StartAndWait(failing)), ErrorKind::kUnavailable);
}

/// Another object; how it is read is up to those derived.
class WrappedObject : public ReadableObject {
 public:
  explicit WrappedObject(std::shared_ptr<ReadableObject> object) : object_(std::move(object)) {}
  const std::string& name() const override { return object_->name(); }
  uint64_t size() const override { return object_->size(); }
  const ReadPolicy& policy() const override { return object_->policy(); }

 protected:
  const std::shared_ptr<ReadableObject> object_;
};

/// Reads at once what `has` the offset of; counts how often that was asked for.
class HalfCachedObject final : public WrappedObject {
 public:
  HalfCachedObject(std::shared_ptr<ReadableObject> object, std::function<bool(uint64_t)> has)
      : WrappedObject(std::move(object)), has_(std::move(has)) {}
  arrow::Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    ++slow_reads;
    return object_->ReadAt(offset, out);
  }
  bool ReadNow(uint64_t offset, std::span<std::byte> head,
               std::span<std::byte> rest) const override {
    ++asked;
    return has_(offset) && object_->ReadInTwo(offset, head, rest).ok();
  }

  mutable std::atomic<int> slow_reads = 0;
  mutable std::atomic<int> asked = 0;

 private:
  const std::function<bool(uint64_t)> has_;
};

TEST_F(FetchTest, WhatTakesNoWaitingIsReadOnTheThreadThatStarts) {
  const std::string text = PatternText(1 << 20);
  const auto object = Object("x", text);
  const auto run = [&](std::function<bool(uint64_t)> has, int slow_reads, int asked) {
    const auto cached = std::make_shared<HalfCachedObject>(object, std::move(has));
    Fetch fetch;
    for (uint64_t i = 0; i < 400; ++i) fetch.Add(cached, {i * 2500, 100});
    ASSERT_TRUE(StartAndWait(fetch).ok());
    for (Fetch::Id i = 0; i < 400; ++i) ASSERT_EQ(Text(fetch, i), text.substr(i * 2500, 100));
    EXPECT_EQ(fetch.volume().reads, 400);
    EXPECT_EQ(cached->slow_reads, slow_reads);
    EXPECT_EQ(cached->asked, asked);
  };
  run([](uint64_t) { return true; }, 0, 400);
  run([](uint64_t offset) { return offset / 2500 % 2 == 1; }, 200, 400);
  run([](uint64_t offset) { return offset < 100 * 2500; }, 300, 108);  // then it stops asking
}

TEST_F(FetchTest, DoneIsNotCalledWhenNothingIsLeftToRead) {
  const auto object = std::make_shared<HalfCachedObject>(Object("x", PatternText(100)),
                                                         [](uint64_t) { return true; });
  Fetch fetch;
  fetch.Add(object, {10, 20});
  EXPECT_TRUE(*fetch.Start(0, [](const arrow::Status&) { FAIL(); }));
}

/// Calls `before` with the offset of every read.
class HookedObject final : public WrappedObject {
 public:
  HookedObject(std::shared_ptr<ReadableObject> object, std::function<void(uint64_t)> before)
      : WrappedObject(std::move(object)), before_(std::move(before)) {}
  arrow::Status ReadAt(uint64_t offset, std::span<std::byte> out) const override {
    before_(offset);
    return object_->ReadAt(offset, out);
  }

 private:
  const std::function<void(uint64_t)> before_;
};

TEST_F(FetchTest, MemoryThatRunsOutOnAnyThreadIsAnError) {
  auto object =
      std::make_shared<HookedObject>(Object("x", PatternText(1 << 20)), [](uint64_t offset) {
        if (offset == 100 * 2500) throw std::bad_alloc();
      });
  store_->Delay(Call::kRead, std::chrono::milliseconds(1));  // so that helpers read as well
  Fetch fetch;
  for (uint64_t i = 0; i < 400; ++i) fetch.Add(object, {i * 2500, 100});
  EXPECT_TRUE(fetch.Run().IsOutOfMemory());
  EXPECT_TRUE(StartAndWait(fetch).IsOutOfMemory());
}

TEST_F(FetchTest, CancelScopeStopsARunBeforeItsEnd) {
  auto object = Object("x", PatternText(1 << 20));
  store_->Delay(Call::kRead, std::chrono::milliseconds(40));
  Fetch fetch;
  for (uint64_t i = 0; i < 400; ++i) fetch.Add(object, {i * 2500, 64});
  CancelScope scope([] { return false; });
  EXPECT_EQ(GetErrorKind(fetch.Run()), ErrorKind::kCancelled);
  EXPECT_LT(store_->calls(Call::kRead), 400);
}

TEST_F(FetchTest, RunThatIsCancelledWhileItWaitsForHelpersStillWaitsForThem) {
  auto object = Object("x", PatternText(1 << 20));
  std::atomic<int> reading{0};
  const auto caller = std::this_thread::get_id();
  auto slow = std::make_shared<HookedObject>(object, [&](uint64_t) {
    const bool helper = std::this_thread::get_id() != caller;
    reading += helper;
    std::this_thread::sleep_for(std::chrono::milliseconds(helper ? 300 : 1));
    reading -= helper;
  });
  Fetch fetch;
  for (uint64_t i = 0; i < 400; ++i) fetch.Add(slow, {i * 2500, 64});
  CancelScope scope([] { return false; });
  EXPECT_EQ(GetErrorKind(fetch.Run()), ErrorKind::kCancelled);
  EXPECT_EQ(reading, 0);
}

TEST_F(FetchTest, RunsInsideTasksOfTheIoExecutor) {
  const std::string text = PatternText(1 << 20);
  auto object = Object("x", text);
  std::vector<std::promise<bool>> results(40);  // more than the executor has threads
  for (auto& result : results) {
    runtime::Runtime::Get().io().Submit(0, [&] {
      Fetch fetch;
      for (uint64_t i = 0; i < 400; ++i) fetch.Add(object, {i * 2500, 100});
      result.set_value(fetch.Run().ok() && Text(fetch, 7) == text.substr(7 * 2500, 100));
    });
  }
  for (auto& result : results) EXPECT_TRUE(result.get_future().get());
}

}  // namespace
}  // namespace pilum::io
