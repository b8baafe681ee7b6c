#include "encoding/fsst/fsst_encode.h"

#include <gtest/gtest.h>

#include <random>

#include "encoding/fsst/fsst.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

struct Strings {
  std::vector<uint32_t> offsets = {0};
  std::string bytes;

  explicit Strings(const std::vector<std::string>& values) {
    for (const std::string& value : values) {
      bytes += value;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
  }
  FsstEncoder Train() const { return FsstEncoder::Train(offsets, AsBytes(bytes)); }
};

/// Values encoded: exactly as much room as promised, for sanitizers.
struct Encoded {
  std::vector<uint32_t> offsets;
  std::unique_ptr<std::byte[]> bytes;
  uint64_t size;

  Encoded(const FsstEncoder& encoder, const Strings& strings)
      : offsets(strings.offsets.size()),
        bytes(new std::byte[FsstEncoder::MaxEncoded(strings.bytes.size())]) {
    size = encoder.Encode(strings.offsets, AsBytes(strings.bytes), offsets.data(), bytes.get());
  }
};

std::vector<std::string> Decoded(const FsstEncoder& encoder, const Encoded& encoded) {
  auto table = FsstTable::Parse(AsBytes(encoder.symbol_table())).ValueOrDie();
  std::vector<std::string> strings;
  for (size_t i = 0; i + 1 < encoded.offsets.size(); ++i) {
    const Bytes value(encoded.bytes.get() + encoded.offsets[i],
                      encoded.offsets[i + 1] - encoded.offsets[i]);
    std::string out(FsstTable::MaxDecoded(value.size()), '\0');
    auto length = table.Decode(value, reinterpret_cast<std::byte*>(out.data()));
    out.resize(length.ValueOrDie());
    strings.push_back(out);
  }
  return strings;
}

/// Returns the size encoded.
uint64_t ExpectRoundTrip(const std::vector<std::string>& values) {
  const Strings strings(values);
  const FsstEncoder encoder = strings.Train();
  EXPECT_EQ(encoder.symbol_table().size(), 2312u);
  EXPECT_LE(encoder.num_symbols(), 255u);
  const Encoded encoded(encoder, strings);
  EXPECT_EQ(encoded.offsets.back(), encoded.size);
  EXPECT_EQ(Decoded(encoder, encoded), values);
  return encoded.size;
}

std::string RandomText(std::mt19937& random, size_t length, int distinct, char first = 'a') {
  std::string text(length, '\0');
  for (char& c : text) c = static_cast<char>(first + static_cast<int>(random() % distinct));
  return text;
}

TEST(FsstEncoder, KeepsNoValuesAndEmptyOnes) {
  EXPECT_EQ(ExpectRoundTrip({}), 0u);
  EXPECT_EQ(ExpectRoundTrip({""}), 0u);
  EXPECT_EQ(ExpectRoundTrip({"", "", ""}), 0u);
  ExpectRoundTrip({"", "x", "", "yz", ""});
}

TEST(FsstEncoder, KeepsEveryByte) {
  std::string all;
  for (int c = 0; c < 256; ++c) all.push_back(static_cast<char>(c));
  ExpectRoundTrip({all});
  ExpectRoundTrip({all, std::string(all.rbegin(), all.rend()), all + all});
  ExpectRoundTrip(std::vector<std::string>(1000, all));
}

TEST(FsstEncoder, KeepsEveryByteWhicheverIsTheRarest) {
  for (int rarest : {0x00, 0x01, 0x7F, 0x80, 0xA5, 0xFF}) {
    std::string others;
    for (int c = 0; c < 256; ++c)
      if (c != rarest) others.push_back(static_cast<char>(c));
    ExpectRoundTrip({others + static_cast<char>(rarest), others, others + others});
  }
}

TEST(FsstEncoder, KeepsEscapesAndZeros) {
  const std::string zeros(100, '\0'), escapes(100, '\xFF');
  ExpectRoundTrip({zeros, escapes, std::string("\0", 1), "\xFF", std::string("a\0", 2), "\xFF\xFF",
                   std::string("\0\0\0\0\0\0\0\0", 8)});
  // Symbols that end in zeros must not be found behind the end of a value.
  std::vector<std::string> values;
  for (size_t n = 0; n < 200; ++n) values.push_back("ab" + std::string(n % 12, '\0'));
  ExpectRoundTrip(values);
}

TEST(FsstEncoder, EncodesRepeatsInAnEighth) {
  for (size_t length = 1; length < 40; ++length) {
    ExpectRoundTrip({std::string(length, 'x')});
    ExpectRoundTrip(std::vector<std::string>(100, std::string(length, 'x')));
  }
  EXPECT_EQ(ExpectRoundTrip({std::string(100000, 'x')}), 12500u);
}

TEST(FsstEncoder, KeepsRandomStrings) {
  std::mt19937 random(1);
  for (int distinct : {1, 2, 20, 256}) {
    std::vector<std::string> values(100000);
    for (std::string& value : values) value = RandomText(random, random() % 30, distinct);
    ExpectRoundTrip(values);
  }
}

TEST(FsstEncoder, KeepsFewValuesAndLongOnes) {
  std::mt19937 random(5);
  for (size_t n = 1; n < 20; ++n) {
    std::vector<std::string> values(n);
    for (std::string& value : values) value = RandomText(random, random() % 10, 3);
    ExpectRoundTrip(values);
    values[n / 2] = RandomText(random, 50000, 12);
    ExpectRoundTrip(values);
    values.resize(2 * n);  // empty ones at the end
    ExpectRoundTrip(values);
  }
}

TEST(FsstEncoder, EncodesValuesUnlikeTheSample) {
  std::mt19937 random(2);
  const Strings digits({RandomText(random, 20000, 10, '0')});
  std::vector<std::string> values;
  for (size_t n = 0; n < 300; ++n) values.push_back(RandomText(random, n, n % 2 ? 256 : 26));
  const FsstEncoder encoder = digits.Train();
  const Encoded encoded(encoder, Strings(values));
  EXPECT_EQ(Decoded(encoder, encoded), values);
}

TEST(FsstEncoder, EncodesPartsOfABuffer) {
  const std::string bytes = "not thisthe fox and the dognor this";
  const std::vector<uint32_t> offsets = {8, 15, 19, 27};
  const FsstEncoder encoder = FsstEncoder::Train(offsets, AsBytes(bytes));
  std::vector<uint32_t> out_offsets(4);
  std::vector<std::byte> out(FsstEncoder::MaxEncoded(19));
  encoder.Encode(offsets, AsBytes(bytes), out_offsets.data(), out.data());
  EXPECT_EQ(out_offsets[0], 0u);
  std::string value(FsstTable::MaxDecoded(19), '\0');
  auto table = FsstTable::Parse(AsBytes(encoder.symbol_table())).ValueOrDie();
  value.resize(
      table.Decode(Bytes(out).first(out_offsets[3]), reinterpret_cast<std::byte*>(value.data()))
          .ValueOrDie());
  EXPECT_EQ(value, "the fox and the dog");
}

TEST(FsstEncoder, MakesTheSameTableOfTheSameValues) {
  std::mt19937 random(3);
  std::vector<std::string> values;
  for (int i = 0; i < 5000; ++i) values.push_back(RandomText(random, 40, 30));
  EXPECT_EQ(Strings(values).Train().symbol_table(), Strings(values).Train().symbol_table());
}

TEST(FsstEncoder, CompressesText) {
  const std::vector<std::string> words = {"the ",  "quick ",  "brown ", "fox ",     "jumps ",
                                          "over ", "a lazy ", "dog, ",  "because ", "of it. "};
  std::mt19937 random(4);
  std::vector<std::string> values(2000);
  uint64_t size = 0;
  for (std::string& value : values) {
    for (int i = 0; i < 10; ++i) value += words[random() % words.size()];
    size += value.size();
  }
  EXPECT_LT(ExpectRoundTrip(values) * 3, size);
}

}  // namespace
}  // namespace pilum::encoding
