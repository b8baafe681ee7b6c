#include "encoding/page_layout/decoded_chunks.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

constexpr uint32_t kChunks = 10;

/// "bc", "", "def" of a longer text, with levels.
struct Strings {
  std::string text = "abcdefg";
  std::vector<uint32_t> offsets = {1, 3, 3, 6};
  std::vector<uint16_t> rep = {1, 0, 1, 1};
  std::vector<uint16_t> def = {0, 2, 0, 0};
  DecodedChunk chunk{
      .entries = 4, .rep = rep, .def = def, .values = {.offsets = offsets, .bytes = AsBytes(text)}};
};

void Keep(DecodedChunks* chunks, uint32_t chunk, const DecodedChunk& decoded) {
  while (!chunks->Count(chunk, kChunks)) {
  }
  chunks->Keep(chunk, decoded);
}

TEST(DecodedChunks, TheSecondDecodeForFewValuesIsWorthKeeping) {
  DecodedChunks chunks;
  for (uint32_t chunk : {3, 9}) {
    EXPECT_FALSE(chunks.Count(chunk, kChunks));
    EXPECT_TRUE(chunks.Count(chunk, kChunks));
    EXPECT_FALSE(chunks.Count(chunk, kChunks));
  }
}

TEST(DecodedChunks, AreFoundOnceTheyAreKept) {
  DecodedChunks chunks;
  EXPECT_EQ(chunks.Find(3), nullptr);
  Keep(&chunks, 3, {.values = {.fixed = AsBytes("12345678")}});
  EXPECT_EQ(AsText(chunks.Find(3)->values.fixed), "12345678");
  EXPECT_EQ(chunks.Find(2), nullptr);
  EXPECT_TRUE(chunks.HasAll(3, 1));
  EXPECT_FALSE(chunks.HasAll(2, 2));
  EXPECT_FALSE(chunks.HasAll(3, 2));
}

TEST(DecodedChunks, AreCopiesOfWhatTheirValuesUse) {
  DecodedChunks chunks;
  {
    Strings strings;
    Keep(&chunks, 0, strings.chunk);
    strings.text = "???????";
    strings.offsets = {0, 0, 0, 0};
  }
  const DecodedChunk& found = *chunks.Find(0);
  const Strings expected;
  EXPECT_EQ(found.entries, 4u);
  EXPECT_EQ(std::vector(found.rep.begin(), found.rep.end()), expected.rep);
  EXPECT_EQ(std::vector(found.def.begin(), found.def.end()), expected.def);
  EXPECT_EQ(AsText(found.values.bytes), "bcdef");
  EXPECT_EQ(std::vector(found.values.offsets.begin(), found.values.offsets.end()),
            (std::vector<uint32_t>{0, 2, 2, 5}));
  EXPECT_TRUE(found.stable);
}

TEST(DecodedChunks, HaveTheValidityOfItems) {
  DecodedChunks chunks;
  Keep(&chunks, 0,
       {.values = {.fixed = AsBytes("abc"), .item_validity = {AsBytes("x"), {}, AsBytes("yz")}}});
  const auto& validity = chunks.Find(0)->values.item_validity;
  ASSERT_EQ(validity.size(), 3u);
  EXPECT_EQ(AsText(validity[0]), "x");
  EXPECT_TRUE(validity[1].empty());
  EXPECT_EQ(AsText(validity[2]), "yz");
}

TEST(DecodedChunks, ThreadsMayKeepAndFindAtOnce) {
  for (int turn = 0; turn < 20; ++turn) {
    DecodedChunks chunks;
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (uint32_t i = 0; i < 3 * kChunks; ++i) {
          const uint32_t chunk = i % kChunks;
          const std::string text(100, static_cast<char>('a' + chunk));
          if (const DecodedChunk* found = chunks.Find(chunk)) {
            EXPECT_EQ(AsText(found->values.fixed), text);
          } else if (chunks.Count(chunk, kChunks)) {
            chunks.Keep(chunk, {.values = {.fixed = AsBytes(text)}});
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    EXPECT_TRUE(chunks.HasAll(0, kChunks));
  }
}

// Settings are read once by a process, so this one has its own.
TEST(DecodedChunks, NoMoreBytesAreKeptThanAllowedAndTheyAreGivenBack) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::setenv("PILUM_BLOCK_CACHE_BYTES", "10000", 1);
    const std::string text(4000, 'x');
    bool ok = true;
    for (int page = 0; page < 3; ++page) {
      DecodedChunks chunks;
      for (uint32_t chunk : {0, 1, 2}) Keep(&chunks, chunk, {.values = {.fixed = AsBytes(text)}});
      ok = ok && chunks.HasAll(0, 2) && chunks.Find(2) == nullptr;
    }
    DecodedChunks large;  // no room for what it would have to know of so many
    ok = ok && !large.Count(0, 1000) && !large.Count(0, 1000);
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace pilum::encoding
