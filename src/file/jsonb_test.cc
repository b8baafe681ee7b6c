#include "file/jsonb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "file/fuzz.h"
#include "file/jsonb_write.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using std::string_literals::operator""s;
using testing::HasSubstr;

bytes::Bytes AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

arrow::Result<std::string> Text(std::string_view document) {
  std::string text;
  ARROW_RETURN_NOT_OK(AppendJsonText(AsBytes(document), &text));
  return text;
}

struct Case {
  std::string document;  // as the reference library stores it
  std::string text;      // as it reads it
};

const std::vector<Case>& Cases() {
  static const std::vector<Case> cases = {
      {" \0\0\0\0\0\0\0"s, "null"},
      {" \0\0\0@\0\0\0"s, "true"},
      {" \0\0\0000\0\0\0"s, "false"},
      {" \0\0\0\x10\0\0\0"s, R"("")"},
      {"\x80\0\0\0"s, "[]"},
      {"@\0\0\0"s, "{}"},
      {" \0\0\0 \0\0\1\0"s, "0"},
      {" \0\0\0 \0\0\2Pd"s, "100"},
      {" \0\0\0 \0\0\2@\xff"s, "-1"},
      {" \0\0\0 \0\0\3P\1\0"s, "256"},
      {" \0\0\0 \0\0\5P\0\1\0\0"s, "65536"},
      {" \0\0\0 \0\0\tP\xff\xff\xff\xff\xff\xff\xff\xff"s, "18446744073709551615"},
      {" \0\0\0 \0\0\t@\x80\0\0\0\0\0\0\0"s, "-9223372036854775808"},
      {" \0\0\0 \0\0\t`?\xf0\0\0\0\0\0\0"s, "1.0"},
      {" \0\0\0 \0\0\t`\x80\0\0\0\0\0\0\0"s, "-0.0"},
      {" \0\0\0 \0\0\t`>\x84!\xf5\xf4\r\x83v"s, "1.5e-7"},
      {" \0\0\0 \0\0\t`D\x80\xf0\xcf\x06M\xd5\x92"s, "1e+22"},
      {" \0\0\0 \0\0\t`\x7f\xef\xff\xff\xff\xff\xff\xff"s, "1.7976931348623157e+308"},
      {" \0\0\0 \0\0\1 "s, "null"},  // infinity
      {" \0\0\0\x10\0\0\x0fq\"\\/\b\f\n\r\t\1\x7f\xf0\x9f\x98\x80"s, R"("q\"\\/\b\f\n\r\t\u0001)"
                                                                     "\x7f\xf0\x9f\x98\x80\""},
      {"\x80\0\0\2P\0\0\4P\0\0\4\x80\0\0\0@\0\0\0"s, "[[],{}]"},
      {"@\0\0\2\x10\0\0\1\x10\0\0\1 \0\0\2P\0\0&abP\1\x80\0\0\5 \0\0\2 \0\0\t\0\0\0\0@\0\0\0"
       "\x10\0\0\3P\1`@\4\0\0\0\0\0\0x\xc3\xa9"s,
       "{\"a\":1,\"b\":[1,2.5,null,true,\"x\xc3\xa9\"]}"},
  };
  return cases;
}

TEST(Jsonb, BecomesTheTextThatTheReferenceLibraryGives) {
  for (const Case& c : Cases()) {
    const auto text = Text(c.document);
    EXPECT_EQ(text.ok() ? *text : text.status().ToString(), c.text);
  }
}

TEST(Jsonb, CutOrLongDocumentsAreErrors) {
  for (const Case& c : Cases()) {
    for (size_t size = 0; size < c.document.size(); ++size) {
      EXPECT_EQ(GetErrorKind(Text(c.document.substr(0, size)).status()), ErrorKind::kCorruptData)
          << c.text << " cut to " << size;
    }
    EXPECT_FALSE(Text(c.document + "x").ok()) << c.text;
  }
}

TEST(Jsonb, FlippedBitsNeverMakeInvalidText) {
  for (const Case& c : Cases()) {
    for (size_t bit = 0; bit < c.document.size() * 8; ++bit) {
      std::string damaged = c.document;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
      FuzzJsonb(AsBytes(damaged));
    }
  }
}

TEST(Jsonb, WritesWhatTheReferenceLibraryWrites) {
  for (const Case& c : Cases()) {
    if (c.document == " \0\0\0 \0\0\1 "s) continue;  // infinity, which JSON has no text for
    std::string document;
    const arrow::Status written = AppendJsonb(c.text, &document);
    EXPECT_TRUE(written.ok()) << written;
    EXPECT_EQ(document, c.document) << c.text;
  }
}

TEST(Jsonb, TextsThatAreNoJsonAreRefused) {
  for (const char* text :
       {"", "{", "[1,]", "nul", "\"\xff\"", "{\"a\":1,\"a\":2}", "1e999", "[1] 2"}) {
    std::string document;
    const arrow::Status written = AppendJsonb(text, &document);
    EXPECT_EQ(GetErrorKind(written), ErrorKind::kInvalidArgument) << text;
    EXPECT_THAT(written.message(), HasSubstr("is no JSON: ")) << text;
  }
  std::string document;
  const std::string deep =
      std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']');
  EXPECT_THAT(AppendJsonb(deep, &document).message(), HasSubstr("deeper than 128"));
}

TEST(Jsonb, DocumentsAsDeepAsAllowedAreRead) {
  const size_t depth = kMaxJsonDepth - 1;
  const std::string text = std::string(depth, '[') + std::string(depth, ']');
  std::string document;
  ASSERT_TRUE(AppendJsonb(text, &document).ok());
  EXPECT_EQ(Text(document).ValueOrDie(), text);
}

TEST(Jsonb, NestingIsLimited) {
  std::string document = "\x80\0\0\0"s;
  for (uint32_t i = 0; i < 200; ++i) {
    const auto size = static_cast<uint32_t>(document.size());
    document = "\x80\0\0\1P\0"s + static_cast<char>(size >> 8) + static_cast<char>(size) + document;
  }
  EXPECT_THAT(Text(document).status().message(), HasSubstr("deeper"));
}

TEST(Jsonb, KindsOfLaterVersionsAreNamed) {
  const auto read = Text(" \0\0\0 \0\0\x02\x70\x01"s);
  EXPECT_EQ(GetErrorKind(read.status()), ErrorKind::kUnsupported);
  EXPECT_THAT(read.status().message(), HasSubstr("112"));
}

}  // namespace
}  // namespace pilum::file
