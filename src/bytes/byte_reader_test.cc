#include "bytes/byte_reader.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "pilum/error.h"

namespace pilum::bytes {
namespace {

std::vector<std::byte> Counting(size_t n) {
  std::vector<std::byte> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<std::byte>(i + 1);
  return bytes;
}

TEST(ByteReader, ReadsNumbersFromAnyPosition) {
  const auto bytes = Counting(16);
  ByteReader reader(bytes);
  EXPECT_EQ(*reader.Read<uint8_t>("a"), 0x01);
  EXPECT_EQ(*reader.Read<uint32_t>("b"), 0x05040302u);
  EXPECT_EQ(*reader.Read<uint64_t>("c"), 0x0d0c0b0a09080706u);
  EXPECT_EQ(reader.position(), 13u);
  EXPECT_EQ(reader.remaining(), 3u);
}

TEST(ByteReader, ReadingPastTheEndSaysWhatAndWhere) {
  const auto bytes = Counting(5);
  ByteReader reader(bytes);
  ASSERT_TRUE(reader.Read<uint16_t>("first").ok());
  const auto status = reader.Read<uint32_t>("the size").status();
  EXPECT_EQ(GetErrorKind(status), ErrorKind::kCorruptData);
  EXPECT_EQ(status.message(), "the size: expected 4 bytes at offset 2, 3 left");
  EXPECT_EQ(reader.position(), 2u);  // a failed read takes nothing
}

TEST(ByteReader, TakesBytesWithoutCopying) {
  const auto bytes = Counting(8);
  ByteReader reader(bytes);
  auto taken = reader.Take(8, "all");
  ASSERT_TRUE(taken.ok());
  EXPECT_EQ(taken->data(), bytes.data());
  EXPECT_TRUE(reader.Take(0, "nothing").ok());
  EXPECT_FALSE(reader.Take(1, "more").ok());
}

TEST(ByteReader, HugeLengthsAreErrors) {
  const auto bytes = Counting(8);
  ByteReader reader(bytes);
  ASSERT_TRUE(reader.Take(3, "start").ok());
  for (uint64_t length : {uint64_t{6}, uint64_t{1} << 63, std::numeric_limits<uint64_t>::max()}) {
    EXPECT_FALSE(reader.Take(length, "part").ok()) << length;
  }
  EXPECT_EQ(reader.remaining(), 5u);
}

TEST(ByteReader, AlignsFromTheStart) {
  const auto bytes = Counting(19);
  ByteReader reader(bytes);
  ASSERT_TRUE(reader.Align(8, "padding").ok());
  EXPECT_EQ(reader.position(), 0u);
  ASSERT_TRUE(reader.Take(9, "part").ok());
  ASSERT_TRUE(reader.Align(8, "padding").ok());
  EXPECT_EQ(reader.position(), 16u);
  ASSERT_TRUE(reader.Take(1, "part").ok());
  EXPECT_FALSE(reader.Align(8, "padding").ok());
}

TEST(LoadShort, ReadsUpToSevenBytes) {
  const auto bytes = Counting(7);
  EXPECT_EQ(LoadShort(nullptr, 0), 0u);
  uint64_t expected = 0;
  for (size_t n = 1; n < 8; ++n) {
    expected |= uint64_t{n} << (8 * (n - 1));
    EXPECT_EQ(LoadShort(bytes.data(), n), expected);
    EXPECT_EQ(LoadShort(bytes.data() + 7 - n, n) >> (8 * (n - 1)), 7u);
  }
}

}  // namespace
}  // namespace pilum::bytes
