#include "encoding/fsst/fsst.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

const std::vector<std::string> kSymbols = {"e",     "th",     "ing",     "the ",
                                           "quick", "brown ", " jumps ", "overover"};

std::vector<std::string> Texts(uint32_t n) {
  const std::vector<std::string> texts = {
      "", "the quick brown fox", " jumps overover", "\xFF\x00zz", "ingthing", "q"};
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < n; ++i) strings.push_back(texts[i % texts.size()]);
  return strings;
}

std::vector<std::string> Encoded(std::vector<std::string> strings) {
  for (std::string& text : strings) text = FsstEncode(kSymbols, text);
  return strings;
}

TEST(Fsst, Conforms) {
  std::vector<CodecCase> cases;
  for (uint32_t n : {0, 1, 6, 1023, 1024}) {
    cases.push_back({.name = std::to_string(n) + " strings",
                     .wire = FsstWire(SymbolTable(kSymbols), VariableWire(32)),
                     .n = n,
                     .buffers = {VariableChunk<uint32_t>(Encoded(Texts(n)))},
                     .strings = Texts(n)});
    cases.push_back({.name = std::to_string(n) + " strings, switched off",
                     .wire = FsstWire(SymbolTable({}, /*compressed=*/false), VariableWire(64)),
                     .n = n,
                     .buffers = {VariableChunk<uint64_t>(Texts(n))},
                     .strings = Texts(n)});
  }
  cases.push_back({.name = "one by one",
                   .role = Role::kPerValue,
                   .wire = FsstWire(SymbolTable(kSymbols), VariableWire(32)),
                   .n = 1,
                   .buffers = Encoded(Texts(6)),
                   .strings = Texts(6)});
  CodecConformance(kFsst, cases);
}

TEST(FsstTable, LengthsFollowTheSymbolsThatAreThere) {
  auto table = FsstTable::Parse(AsBytes(SymbolTable({"ab", "cdefghij"})));
  ASSERT_TRUE(table.ok()) << table.status();
  std::vector<std::byte> out(FsstTable::MaxDecoded(3));
  auto length = table->Decode(AsBytes(std::string_view("\1\0\1", 3)), out.data());
  ASSERT_TRUE(length.ok());
  EXPECT_EQ(AsText(Bytes(out).first(*length)), "cdefghijabcdefghij");
}

TEST(FsstTable, TakesATableOf255Symbols) {
  std::vector<std::string> symbols;
  for (int i = 0; i < 255; ++i) symbols.push_back(std::string(1, static_cast<char>(i)));
  auto table = FsstTable::Parse(AsBytes(SymbolTable(symbols)));
  ASSERT_TRUE(table.ok()) << table.status();
  std::vector<std::byte> out(FsstTable::MaxDecoded(4));
  auto length = table->Decode(AsBytes("\xFE\xFF\xFF\x01"), out.data());
  ASSERT_TRUE(length.ok());
  EXPECT_EQ(AsText(Bytes(out).first(*length)), "\xFE\xFF\x01");
}

TEST(FsstTable, ExpandsNoFurtherThanPromised) {
  auto table = FsstTable::Parse(AsBytes(SymbolTable({"overover"})));
  ASSERT_TRUE(table.ok());
  const std::string codes(1000, '\0');
  auto out = std::make_unique<std::byte[]>(
      FsstTable::MaxDecoded(codes.size()));  // exactly, for sanitizers
  auto length = table->Decode(AsBytes(codes), out.get());
  ASSERT_TRUE(length.ok());
  EXPECT_EQ(*length, 8000u);
}

TEST(FsstTable, UnknownCodesAreErrors) {
  auto table = FsstTable::Parse(AsBytes(SymbolTable(kSymbols)));
  ASSERT_TRUE(table.ok());
  std::vector<std::byte> out(64);
  EXPECT_FALSE(table->Decode(AsBytes("\x08"), out.data()).ok());
  EXPECT_FALSE(table->Decode(AsBytes("\x01\xFF"), out.data()).ok());  // an escape of nothing
}

TEST(FsstTable, IsAnErrorWhenDamaged) {
  const std::string table = SymbolTable(kSymbols);
  for (size_t cut : {size_t{0}, size_t{7}, size_t{8}, size_t{8 + 8 * 8}, size_t{8 + 8 * 8 + 7}}) {
    EXPECT_FALSE(FsstTable::Parse(AsBytes(table.substr(0, cut))).ok()) << cut;
  }
  std::string magic = table;
  magic[5] = 'x';
  EXPECT_FALSE(FsstTable::Parse(AsBytes(magic)).ok());
  for (char length : {'\0', '\x09'}) {
    std::string lengths = table;
    lengths[8 + 8 * 8 + 3] = length;
    EXPECT_FALSE(FsstTable::Parse(AsBytes(lengths)).ok());
  }
}

TEST(Fsst, RefusesFixedWidthValues) {
  EXPECT_FALSE(MakeMiniBlockDecoder(FsstWire(SymbolTable(kSymbols), FlatWire(8))).ok());
}

}  // namespace
}  // namespace pilum::encoding
