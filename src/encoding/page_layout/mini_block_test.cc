#include "encoding/page_layout/mini_block.h"

#include <random>

#include <gtest/gtest.h>

#include <numeric>

#include <arrow/array.h>

#include "encoding/page_layout/test_page.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using lance::encodings21::COMPRESSION_ALGORITHM_LZ4;
using lance::encodings21::COMPRESSION_ALGORITHM_ZSTD;
using lance::encodings21::REPDEF_ALL_VALID_ITEM;
using lance::encodings21::REPDEF_ALL_VALID_LIST;
using lance::encodings21::REPDEF_NULL_AND_EMPTY_LIST;
using lance::encodings21::REPDEF_NULLABLE_ITEM;

lance::encodings21::MiniBlockLayout* Layout(TestPage* page, const Wire& values,
                                            const std::vector<RepDefLayer>& layers, uint64_t items,
                                            uint64_t buffers = 1, bool wide = true) {
  auto* layout = page->wire.mutable_mini_block_layout();
  *layout->mutable_value_compression() = values;
  for (RepDefLayer layer : layers) layout->add_layers(layer);
  layout->set_num_buffers(buffers);
  layout->set_num_items(items);
  layout->set_has_large_chunk(wide);
  return layout;
}

// 0, 1, 2, … in chunks of 2^log2.
TestPage CountingPage(uint32_t rows, uint32_t log2, bool wide) {
  TestPage page{.rows = rows, .type = {.shape = {.bits = 32}}};
  Layout(&page, FlatWire(32), {REPDEF_ALL_VALID_ITEM}, rows, 1, wide);
  std::vector<TestChunk> chunks;
  for (uint32_t at = 0; at < rows; at += 1u << log2) {
    const uint32_t n = std::min(rows - at, 1u << log2);
    std::vector<uint32_t> values(n);
    std::iota(values.begin(), values.end(), at);
    chunks.push_back({.values = {Raw(values)}, .log2 = at + n < rows ? log2 : 0});
  }
  page.buffers = EncodeChunks(chunks, wide, false, false);
  return page;
}

TEST(MiniBlock, DecodesGoldenList) {
  // [[1, null], null, [], [3]] as the reference library writes it, in 2.2 and in 2.1.
  const std::string levels =
      "0000 0100 0000 0100 0100 0100 fefefefefefe 0000 0100 0200 0300 0000 fefefefefefe";
  for (bool wide : {true, false}) {
    TestPage page{.rows = 4,
                  .scheme = LevelScheme({Layer::kItem, Layer::kList}),
                  .type = {.shape = {.bits = 32}}};
    auto* layout =
        Layout(&page, FlatWire(32), {REPDEF_NULLABLE_ITEM, REPDEF_NULL_AND_EMPTY_LIST}, 3, 1, wide);
    *layout->mutable_rep_compression() = FlatWire(16);
    *layout->mutable_def_compression() = FlatWire(16);
    layout->set_repetition_index_depth(1);
    const std::string head = wide ? "0500 0a00 0a00 0c000000 fefefefefefe" : "0500 0a00 0a00 0c00";
    page.buffers = {Hex(wide ? "70000000" : "6000"),
                    Hex(head) + Hex("0100 0000 0100 0100 0100 fefefefefefe") +
                        Hex("0000 0100 0200 0300 0000 fefefefefefe") +
                        Hex("01000000 00000000 03000000 fefefefe"),
                    Hex("0400000000000000 0000000000000000")};
    auto leaf = page.ReadAll();
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(leaf->rep, (std::vector<uint16_t>{1, 0, 1, 1, 1}));
    EXPECT_EQ(leaf->def, (std::vector<uint16_t>{0, 1, 2, 3, 0}));
    EXPECT_EQ(FixedValues<int32_t>(*leaf), (std::vector<int32_t>{1, 0, 3}));
    auto third = page.Read({{3, 1, 0}}, 1);
    ASSERT_TRUE(third.ok()) << third.status();
    EXPECT_EQ(FixedValues<int32_t>(*third), std::vector<int32_t>{3});
  }
}

TEST(MiniBlock, ReadsRunsAcrossChunks) {
  for (bool wide : {true, false}) {
    for (uint32_t log2 : {1, 3, 10}) {
      const TestPage page = CountingPage(5000, log2, wide);
      for (const Runs& runs : std::vector<Runs>{{{0, 5000, 0}},
                                                {{4999, 1, 0}},
                                                {{7, 3, 0}, {1022, 5, 3}, {4000, 1000, 8}},
                                                {{1023, 1, 0}, {1024, 1, 1}}}) {
        std::vector<uint32_t> expected;
        for (const auto& run : runs) {
          for (uint32_t i = 0; i < run.count; ++i)
            expected.push_back(static_cast<uint32_t>(run.row) + i);
        }
        auto leaf = page.Read(runs, static_cast<int64_t>(expected.size()));
        ASSERT_TRUE(leaf.ok()) << leaf.status();
        EXPECT_EQ(FixedValues<uint32_t>(*leaf), expected) << "2^" << log2;
      }
    }
  }
}

/// How many reads the rows of a page with chunks of 1,024 values take.
size_t NumReads(const TestPage& page, const std::vector<uint32_t>& rows) {
  const auto layout = page.Make().ValueOrDie();
  std::vector<Bytes> indexed{AsBytes(page.buffers[0])};
  if (page.buffers.size() > 2) indexed.push_back(AsBytes(page.buffers[2]));  // the dictionary
  const auto index = layout->ParseIndex(indexed).ValueOrDie();
  Runs runs;
  for (uint32_t row : rows) runs.push_back({row, 1, static_cast<int64_t>(runs.size())});
  std::vector<PlannedRead> reads;
  EXPECT_TRUE(layout->Plan(*index, runs, &reads).ok());
  return reads.size();
}

TEST(MiniBlock, FewValuesOfAChunkAreReadOneByOneManyTogether) {
  const TestPage page = CountingPage(5000, 10, true);
  EXPECT_EQ(NumReads(page, {1, 1000}), 2u);
  EXPECT_EQ(NumReads(page, {1, 500, 1000}), 1u);
  EXPECT_EQ(NumReads(page, {1, 1000, 1024, 2000}), 4u);
  EXPECT_EQ(NumReads(page, {1, 2, 3, 4, 1025, 2050, 2051, 2052}), 3u);

  std::mt19937_64 random(8);
  for (uint64_t one_in : {2, 100, 300, 500, 1000, 3000}) {
    Runs runs;
    std::vector<uint32_t> expected;
    for (uint32_t row = 0; row < 5000; ++row) {
      if (random() % one_in != 0) continue;
      const auto count = static_cast<uint32_t>(std::min<uint64_t>(1 + random() % 3, 5000 - row));
      runs.push_back({row, count, static_cast<int64_t>(expected.size())});
      for (uint32_t i = 0; i < count; ++i) expected.push_back(row + i);
      row += count;
    }
    auto leaf = page.Read(runs, static_cast<int64_t>(expected.size()));
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(FixedValues<uint32_t>(*leaf), expected) << "one row in " << one_in;
  }
}

TEST(MiniBlock, ScattersRowsAndRepeats) {
  const TestPage page = CountingPage(300, 5, true);
  auto leaf = page.Read({{3, 1, 2}, {3, 1, 0}, {250, 2, 3}, {299, 1, 1}}, 5, /*in_order=*/false);
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(FixedValues<uint32_t>(*leaf), (std::vector<uint32_t>{3, 299, 3, 250, 251}));
}

TEST(MiniBlock, BitsOfSmallChunksAreFoundOneByOne) {
  // Chunks of 2 and 4 values do not start at multiples of 8.
  for (uint32_t log2 : {1, 2, 3}) {
    TestPage page{.rows = 32, .type = {.shape = {.bits = 1}}};
    Layout(&page, FlatWire(1), {REPDEF_ALL_VALID_ITEM}, 32);
    std::vector<bool> expected;
    std::vector<TestChunk> chunks;
    for (uint32_t at = 0; at < 32; at += 1u << log2) {
      const auto bits = static_cast<char>(0xB5 ^ at);
      for (uint32_t i = 0; i < 1u << log2; ++i) expected.push_back(((bits >> i) & 1) != 0);
      // Long enough that reading one value by itself is worth it.
      chunks.push_back({.values = {std::string(1, bits) + std::string(31, '\0')},
                        .log2 = at + (1u << log2) < 32 ? log2 : 0});
    }
    page.buffers = EncodeChunks(chunks, true, false, false);
    auto all = page.ReadAll();
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(Bits(all->values, 32), expected);
    for (uint32_t row = 0; row < 32; ++row) {
      auto one = page.Read({{row, 1, 0}}, 1);
      ASSERT_TRUE(one.ok()) << one.status();
      EXPECT_EQ(Bits(one->values, 1)[0], expected[row]) << row << " of chunks of 2^" << log2;
    }
  }
}

TEST(MiniBlock, PackedValuesAreFoundOneByOne) {
  const auto values = RandomValues<uint32_t>(1024 + 500, 11);
  TestPage page{.rows = values.size(), .type = {.shape = {.bits = 32}}};
  Layout(&page, InlineBitpackingWire(32), {REPDEF_ALL_VALID_ITEM}, values.size());
  const std::vector<uint32_t> first(values.begin(), values.begin() + 1024),
      rest(values.begin() + 1024, values.end());
  page.buffers =
      EncodeChunks({{.values = {Number(uint32_t{11}) + PackBlock(first, 11)}, .log2 = 10},
                    {.values = {Number(uint32_t{11}) + PackBlock(rest, 11)}}},
                   true, false, false);
  EXPECT_EQ(FixedValues<uint32_t>(*page.ReadAll()), values);
  for (uint32_t row = 0; row < values.size(); row += 37) {
    auto one = page.Read({{row, 1, 0}}, 1);
    ASSERT_TRUE(one.ok()) << one.status();
    EXPECT_EQ(FixedValues<uint32_t>(*one)[0], values[row]) << row;
  }
}

TEST(MiniBlock, ReadsNullsOfFlatColumns) {
  TestPage page{.rows = 6, .type = {.shape = {.bits = 16}}};
  auto* layout = Layout(&page, FlatWire(16), {REPDEF_NULLABLE_ITEM}, 6);
  *layout->mutable_def_compression() = FlatWire(16);
  page.buffers =
      EncodeChunks({{.def = {0, 1, 0, 0}, .values = {Raw<uint16_t>({10, 11, 12, 13})}, .log2 = 2},
                    {.def = {1, 0}, .values = {Raw<uint16_t>({14, 15})}}},
                   true, false, true);
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Bits(leaf->validity, 6), (std::vector<bool>{true, false, true, true, false, true}));
  EXPECT_EQ(leaf->null_count, 2);
  auto some = page.Read({{1, 1, 1}, {5, 1, 0}}, 2, false);
  ASSERT_TRUE(some.ok()) << some.status();
  EXPECT_EQ(Bits(some->validity, 2), (std::vector<bool>{true, false}));
  EXPECT_EQ(FixedValues<uint16_t>(*some)[0], 15);
}

// Lists [0], [1, 2], [3, 4, 5], … cut into chunks of `per_chunk` = 2^log2 values, whatever the
// rows.
struct ListPage {
  TestPage page;
  std::vector<uint16_t> rep;
};
ListPage MakeListPage(uint32_t rows, uint32_t log2, bool with_empty, bool compressed = false) {
  ListPage made;
  TestPage& page = made.page;
  page = {.rows = rows,
          .scheme = LevelScheme({Layer::kItem, Layer::kList}),
          .type = {.shape = {.bits = 16}}};
  std::vector<uint16_t> rep, def;
  std::vector<uint16_t> values;
  for (uint32_t row = 0; row < rows; ++row) {
    const uint32_t length = with_empty ? row % 4 : 1 + row % 4;
    if (length == 0) {
      rep.push_back(1);
      def.push_back(row % 8 == 0 ? 1 : 2);
    }
    for (uint32_t i = 0; i < length; ++i) {
      rep.push_back(i == 0);
      def.push_back(0);
      values.push_back(static_cast<uint16_t>(values.size()));
    }
  }
  auto* layout = Layout(
      &page, compressed ? GeneralWire(COMPRESSION_ALGORITHM_LZ4, FlatWire(16)) : FlatWire(16),
      {REPDEF_ALL_VALID_ITEM, REPDEF_NULL_AND_EMPTY_LIST}, values.size());
  *layout->mutable_rep_compression() = FlatWire(16);
  *layout->mutable_def_compression() = FlatWire(16);
  layout->set_repetition_index_depth(1);
  std::vector<TestChunk> chunks;
  std::string index;
  size_t entry = 0;
  for (size_t at = 0; at < values.size() || at == 0; at += size_t{1} << log2) {
    const size_t n = std::min(values.size() - at, size_t{1} << log2);
    const bool last = at + n == values.size();
    const std::string plain = Raw(std::vector<uint16_t>(
        values.begin() + static_cast<long>(at), values.begin() + static_cast<long>(at + n)));
    TestChunk chunk{.values = {compressed ? Lz4(plain) : plain}, .log2 = last ? 0 : log2};
    size_t visible = 0;
    const size_t begin = entry;
    while (entry < rep.size() && (last || visible < n)) {
      visible += def[entry] == 0;
      chunk.rep.push_back(rep[entry]);
      chunk.def.push_back(def[entry]);
      ++entry;
    }
    const bool cut = entry < rep.size() && rep[entry] == 0;
    uint64_t ends = 0, left = 0;
    for (size_t i = begin; i < entry; ++i) {
      const bool row_ends = i + 1 == rep.size() || rep[i + 1] == 1;
      ends += row_ends;
      left = row_ends ? 0 : left + 1;
    }
    index += Number(ends) + Number(cut ? left : uint64_t{0});
    chunks.push_back(std::move(chunk));
  }
  page.buffers = EncodeChunks(chunks, true, true, true);
  page.buffers.push_back(index);
  made.rep = rep;
  return made;
}

TEST(MiniBlock, ReadsListsThatSpanChunks) {
  for (bool with_empty : {false, true}) {
    for (uint32_t log2 : {1, 2, 4}) {
      const TestPage page = MakeListPage(60, log2, with_empty).page;
      auto all = page.ReadAll();
      ASSERT_TRUE(all.ok()) << all.status();
      // Each row by itself is that part of the whole.
      size_t entry = 0;
      int64_t slot = 0;
      for (uint32_t row = 0; row < 60; ++row) {
        auto one = page.Read({{row, 1, 0}}, 1);
        ASSERT_TRUE(one.ok()) << "row " << row << ": " << one.status();
        for (size_t i = 0; i < one->rep.size(); ++i, ++entry) {
          EXPECT_EQ(one->rep[i], all->rep[entry]);
          EXPECT_EQ(one->def[i], all->def[entry]);
        }
        const auto values = FixedValues<uint16_t>(*one);
        for (uint16_t value : values) EXPECT_EQ(value, slot++) << "row " << row;
      }
      EXPECT_EQ(entry, all->rep.size());
      EXPECT_EQ(slot, all->slots);
      auto some = page.Read({{5, 10, 0}, {20, 1, 10}, {22, 3, 11}}, 14);
      ASSERT_TRUE(some.ok()) << some.status();
      EXPECT_EQ(std::count(some->rep.begin(), some->rep.end(), 1), 14);
    }
  }
}

// Strings "0", "", "2", "", … of which every 5th is null, in chunks of 64, each compressed.
TestPage CompressedPage(uint32_t rows) {
  TestPage page{.rows = rows, .type = {.shape = {.variable = true}}};
  auto* layout = Layout(&page, GeneralWire(COMPRESSION_ALGORITHM_ZSTD, VariableWire(32)),
                        {REPDEF_NULLABLE_ITEM}, rows);
  *layout->mutable_def_compression() = FlatWire(16);
  std::vector<TestChunk> chunks;
  for (uint32_t at = 0; at < rows; at += 64) {
    TestChunk chunk{.log2 = at + 64 < rows ? 6u : 0u};
    std::vector<std::string> values;
    for (uint32_t row = at; row < std::min(at + 64, rows); ++row) {
      values.push_back(row % 2 == 0 ? std::to_string(row) : "");
      chunk.def.push_back(row % 5 == 0);
    }
    chunk.values = {Zstd(VariableChunk<uint32_t>(values))};
    chunks.push_back(std::move(chunk));
  }
  page.buffers = EncodeChunks(chunks, true, false, true);
  return page;
}

TEST(MiniBlock, CompressedChunksThatAreDecodedAgainForFewValuesAreKept) {
  const TestPage page = CompressedPage(300);
  for (bool in_order : {true, false}) {
    const auto reader = TestPageReader::Make(page).ValueOrDie();
    for (bool kept : {false, false, true, true}) {
      const auto leaf = reader->Read({{2, 1, 0}, {65, 3, 1}, {290, 1, 4}}, 5, in_order);
      ASSERT_TRUE(leaf.ok()) << leaf.status();
      EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"2", "", "66", "", "290"}));
      EXPECT_EQ(Bits(leaf->validity, 5), (std::vector<bool>{true, false, true, true, false}));
      EXPECT_EQ(reader->bytes_read() == 0, kept);
    }
    // Others are read as before, also together with those that are kept.
    const auto all = reader->Read({{0, 300, 0}}, 300, in_order);
    ASSERT_TRUE(all.ok()) << all.status();
    EXPECT_EQ(Strings(*all), Strings(*page.ReadAll()));
    EXPECT_EQ(Bits(all->validity, 300), Bits(page.ReadAll()->validity, 300));
    EXPECT_GT(reader->bytes_read(), 0u);
  }
}

TEST(MiniBlock, ChunksThatAreWantedWholeOrCostLittleAreNotKept) {
  const TestPage compressed = CompressedPage(300);
  const auto whole = TestPageReader::Make(compressed).ValueOrDie();
  const TestPage plain = CountingPage(5000, 10, true);
  const auto few = TestPageReader::Make(plain).ValueOrDie();
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(whole->Read({{64, 32, 0}, {100, 28, 32}}, 60).ok());
    EXPECT_GT(whole->bytes_read(), 0u);
    ASSERT_TRUE(few->Read({{1, 1, 0}, {500, 1, 1}, {1000, 1, 2}}, 3).ok());
    EXPECT_GT(few->bytes_read(), 0u);
  }
}

TEST(MiniBlock, CompressedListsThatAreKeptAreTheSame) {
  for (uint32_t log2 : {1, 4, 7}) {
    const TestPage page = MakeListPage(60, log2, true, /*compressed=*/true).page;
    const auto reader = TestPageReader::Make(page).ValueOrDie();
    for (int turn = 0; turn < 4; ++turn) {
      for (uint32_t row = 0; row < 60; ++row) {
        const auto one = reader->Read({{row, 1, 0}}, 1);
        ASSERT_TRUE(one.ok()) << one.status();
        const auto expected = page.Read({{row, 1, 0}}, 1);
        ASSERT_EQ(FixedValues<uint16_t>(*one), FixedValues<uint16_t>(*expected)) << row;
        ASSERT_EQ(one->rep, expected->rep);
        ASSERT_EQ(one->def, expected->def);
      }
    }
    if (log2 == 1) continue;  // chunks of few rows
    ASSERT_TRUE(reader->Read({{3, 1, 0}}, 1).ok());
    EXPECT_EQ(reader->bytes_read(), 0u);
  }
}

TEST(MiniBlock, ADamagedChunkIsAnErrorEachTime) {
  TestPage page = CompressedPage(300);
  page.buffers[1][page.buffers[1].size() / 2] ^= 0x55;
  const auto reader = TestPageReader::Make(page).ValueOrDie();
  int failures = 0;
  for (int turn = 0; turn < 4; ++turn) {
    for (uint32_t row = 0; row < 300; row += 64) failures += !reader->Read({{row, 1, 0}}, 1).ok();
  }
  EXPECT_EQ(failures, 4);
}

TEST(MiniBlock, ARowMayTakeSeveralChunks) {
  TestPage page{.rows = 2,
                .scheme = LevelScheme({Layer::kItem, Layer::kList}),
                .type = {.shape = {.bits = 8}}};
  auto* layout = Layout(&page, FlatWire(8), {REPDEF_ALL_VALID_ITEM, REPDEF_ALL_VALID_LIST}, 7);
  *layout->mutable_rep_compression() = FlatWire(16);
  layout->set_repetition_index_depth(1);
  page.buffers = EncodeChunks({{.rep = {1, 0}, .values = {"ab"}, .log2 = 1},
                               {.rep = {0, 0}, .values = {"cd"}, .log2 = 1},
                               {.rep = {0, 1, 0}, .values = {"efg"}}},
                              true, true, false);
  page.buffers.push_back(Raw<uint64_t>({0, 2, 0, 4, 2, 0}));
  EXPECT_EQ(FixedValues<char>(*page.Read({{0, 1, 0}}, 1)),
            (std::vector<char>{'a', 'b', 'c', 'd', 'e'}));
  EXPECT_EQ(FixedValues<char>(*page.Read({{1, 1, 0}}, 1)), (std::vector<char>{'f', 'g'}));
}

TEST(MiniBlock, InconsistentRepetitionIndexesAreErrors) {
  const TestPage good = MakeListPage(40, 2, true).page;
  ASSERT_TRUE(good.ReadAll().ok());
  const size_t numbers = good.buffers[2].size() / 8;
  for (size_t i = 0; i < numbers; ++i) {
    for (int64_t change : {+1, -1, +1000}) {
      TestPage page = good;
      auto* at = reinterpret_cast<std::byte*>(page.buffers[2].data()) + i * 8;
      const auto number = static_cast<int64_t>(bytes::Load<uint64_t>(at));
      // The second number only says whether a row is cut.
      if (number + change < 0 || (i % 2 == 1 && (number > 0) == (number + change > 0))) continue;
      bytes::Store(at, static_cast<uint64_t>(number + change));
      EXPECT_FALSE(page.ReadAll().ok()) << "number " << i << " changed by " << change;
    }
  }
  for (size_t size : {size_t{0}, good.buffers[2].size() - 8, good.buffers[2].size() + 16}) {
    TestPage page = good;
    page.buffers[2].resize(size);
    EXPECT_FALSE(page.ReadAll().ok());
  }
}

TEST(MiniBlock, LevelsMustMatchTheValues) {
  TestPage page{.rows = 4, .type = {.shape = {.bits = 8}}};
  auto* layout = Layout(&page, FlatWire(8), {REPDEF_NULLABLE_ITEM}, 4);
  *layout->mutable_def_compression() = FlatWire(16);
  for (const std::vector<uint16_t>& def :
       {std::vector<uint16_t>{0, 0, 0}, {0, 0, 0, 0, 0}, {0, 0, 0, 2}, {}}) {
    page.buffers = EncodeChunks({{.def = def, .values = {"abcd"}}}, true, false, true);
    EXPECT_FALSE(page.ReadAll().ok());
  }
  page.buffers =
      EncodeChunks({{.def = {0, 0, 0, 0}, .values = {"abcd"}, .num_levels = 5}}, true, false, true);
  EXPECT_FALSE(page.ReadAll().ok());
}

TEST(MiniBlock, TakesUpTo65535Levels) {
  // One value and 65534 empty lists before it.
  const size_t n = 65535;
  TestPage page{.rows = n,
                .scheme = LevelScheme({Layer::kItem, Layer::kList}),
                .type = {.shape = {.bits = 8}}};
  auto* layout = Layout(&page, FlatWire(8), {REPDEF_ALL_VALID_ITEM, REPDEF_NULL_AND_EMPTY_LIST}, 1);
  *layout->mutable_rep_compression() = RleWire(16);
  *layout->mutable_def_compression() = RleWire(16);
  layout->set_repetition_index_depth(1);
  const auto runs = [](const std::vector<std::pair<uint16_t, size_t>>& levels) {
    std::string values, lengths;
    for (auto [level, count] : levels) {
      for (; count > 0; count -= std::min<size_t>(count, 255)) {
        values += Number(level);
        lengths.push_back(static_cast<char>(std::min<size_t>(count, 255)));
      }
    }
    return Number(uint64_t{values.size()}) + values + lengths;
  };
  const std::string rep = runs({{1, n}}), def = runs({{2, n - 1}, {0, 1}});
  std::string chunk = Number(static_cast<uint16_t>(n)) + Number(static_cast<uint16_t>(rep.size())) +
                      Number(static_cast<uint16_t>(def.size())) + Number(uint32_t{1});
  chunk = PadTo(PadTo(PadTo(PadTo(chunk, 8) + rep, 8) + def, 8) + "x", 8);
  page.buffers = {Number(static_cast<uint32_t>((chunk.size() / 8 - 1) << 4)), chunk,
                  Raw<uint64_t>({n, 0})};
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(leaf->def.size(), n);
  EXPECT_EQ(leaf->slots, 1);
}

TEST(MiniBlock, DictionaryIndicesMayBeWrongUnderNullsOnly) {
  TestPage page{.rows = 4, .type = {.shape = {.variable = true}}};
  auto* layout = Layout(&page, FlatWire(32), {REPDEF_NULLABLE_ITEM}, 4);
  *layout->mutable_def_compression() = FlatWire(16);
  *layout->mutable_dictionary() = VariableWire(32);
  layout->set_num_dictionary_items(2);
  const auto buffers = [](const std::vector<uint16_t>& def) {
    auto made =
        EncodeChunks({{.def = def, .values = {Raw<uint32_t>({1, 99, 0, 1})}}}, true, false, true);
    made.push_back(VariableBlock<uint32_t>({"zero", "one"}));
    return made;
  };
  page.buffers = buffers({0, 1, 0, 0});
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"one", "", "zero", "one"}));
  auto scattered = page.Read({{0, 1, 1}, {2, 1, 0}}, 2, false);
  ASSERT_TRUE(scattered.ok()) << scattered.status();
  EXPECT_EQ(Strings(*scattered), (std::vector<std::string>{"zero", "one"}));
  page.buffers = buffers({0, 0, 0, 0});
  EXPECT_FALSE(page.ReadAll().ok());
}

TEST(MiniBlock, DictionariesOfFixedWidthItems) {
  TestPage page{.rows = 4, .type = {.shape = {.bits = 64}}};
  auto* layout = Layout(&page, FlatWire(8), {REPDEF_ALL_VALID_ITEM}, 4);
  *layout->mutable_dictionary() = FlatWire(64);
  layout->set_num_dictionary_items(3);
  page.buffers = EncodeChunks({{.values = {Hex("02 00 01 02")}}}, true, false, false);
  page.buffers.push_back(Raw<uint64_t>({100, 200, 300}));
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(FixedValues<uint64_t>(*leaf), (std::vector<uint64_t>{300, 100, 200, 300}));
}

TEST(MiniBlock, DictionaryKeysAreFoundOneByOne) {
  TestPage page{.rows = 1024, .type = {.shape = {.variable = true}}};
  auto* layout = Layout(&page, FlatWire(8), {REPDEF_ALL_VALID_ITEM}, 1024);
  *layout->mutable_dictionary() = VariableWire(32);
  layout->set_num_dictionary_items(3);
  const std::vector<std::string> items = {"zero", "one", "two"};
  std::string keys;
  for (int row = 0; row < 1024; ++row) keys.push_back(static_cast<char>(row == 500 ? 3 : row % 3));
  page.buffers = EncodeChunks({{.values = {keys}}}, true, false, false);
  page.buffers.push_back(VariableBlock<uint32_t>(items));
  EXPECT_EQ(NumReads(page, {5, 1001}), 2u);
  for (bool in_order : {true, false}) {
    auto leaf = page.Read({{5, 1, 0}, {1001, 1, 1}}, 2, in_order);
    ASSERT_TRUE(leaf.ok()) << leaf.status();
    EXPECT_EQ(Strings(*leaf), (std::vector<std::string>{"two", items[1001 % 3]}));
    const arrow::Status wrong = page.Read({{500, 1, 0}}, 1, in_order).status();
    ASSERT_NE(GetErrorDetail(wrong), nullptr);
    EXPECT_EQ(GetErrorDetail(wrong)->where().offset, page.buffers[0].size() + 8 + 500);
  }
}

TEST(MiniBlock, ArrowDictionariesKeepTheirKeys) {
  TestPage page{
      .rows = 3,
      .type = {.shape = {.bits = 8}, .dictionary = true, .dictionary_type = arrow::utf8()}};
  auto* layout = Layout(&page, FlatWire(8), {REPDEF_ALL_VALID_ITEM}, 3);
  *layout->mutable_dictionary() = GeneralWire(COMPRESSION_ALGORITHM_LZ4, VariableWire(32));
  layout->set_num_dictionary_items(2);
  page.buffers = EncodeChunks({{.values = {Hex("01 00 01")}}}, true, false, false);
  page.buffers.push_back("");
  EXPECT_FALSE(page.ReadAll().ok());
  *layout->mutable_dictionary() = VariableWire(32);
  page.buffers.back() = VariableBlock<uint32_t>({"a", "b"});
  auto leaf = page.ReadAll();
  ASSERT_TRUE(leaf.ok()) << leaf.status();
  EXPECT_EQ(FixedValues<uint8_t>(*leaf), (std::vector<uint8_t>{1, 0, 1}));
  EXPECT_EQ(leaf->dictionary->length(), 2);
}

TEST(MiniBlock, DamagedChunkTablesAreErrors) {
  const TestPage good = CountingPage(100, 4, true);
  ASSERT_TRUE(good.ReadAll().ok());
  for (const std::string& words :
       {std::string(), good.buffers[0].substr(0, good.buffers[0].size() - 1),
        good.buffers[0] + good.buffers[0], good.buffers[0].substr(4),
        std::string(good.buffers[0].size(), '\0'), std::string(good.buffers[0].size(), '\xFF')}) {
    TestPage page = good;
    page.buffers[0] = words;
    EXPECT_FALSE(page.ReadAll().ok()) << words.size();
  }
}

TEST(MiniBlock, ChunksThatDoNotFillTheirBufferAreErrors) {
  // A chunk table that skips bytes would lead single values to the wrong place.
  TestPage page = CountingPage(100, 4, true);
  page.buffers[1] += std::string(8, '\0');
  EXPECT_FALSE(page.Read({{50, 1, 0}}, 1).ok());
}

TEST(MiniBlock, FieldsOfPackedRowsMustBeThoseOfTheType) {
  TestPage page{.rows = 2, .type = {.shape = {.bits = 96, .fields = {32, 64}}}};
  Layout(&page, PackedStructWire({32, 64}, FlatWire(96)), {REPDEF_ALL_VALID_ITEM}, 2);
  page.buffers = EncodeChunks({{.values = {std::string(24, 'x')}}}, true, false, false);
  EXPECT_TRUE(page.ReadAll().ok());
  *page.wire.mutable_mini_block_layout()->mutable_value_compression() =
      PackedStructWire({64, 32}, FlatWire(96));
  EXPECT_FALSE(page.Make().ok());
  *page.wire.mutable_mini_block_layout()->mutable_value_compression() = FlatWire(96);
  EXPECT_FALSE(page.Make().ok());
}

TEST(MiniBlock, DamageOfAnIndexSaysWhere) {
  TestPage page = MakeListPage(40, 2, true).page;
  page.buffers.back()[0] = 99;
  const auto detail = GetErrorDetail(page.ReadAll().status());
  ASSERT_NE(detail, nullptr);
  EXPECT_EQ(detail->where().offset, page.buffers[0].size() + page.buffers[1].size());
}

TEST(MiniBlock, TruncatedAndFlippedPagesDoNotCrash) {
  std::mt19937 random(3);
  for (const TestPage& good :
       {CountingPage(100, 4, true), CountingPage(100, 4, false), MakeListPage(40, 2, true).page}) {
    const int64_t rows = static_cast<int64_t>(good.rows);
    for (size_t buffer = 0; buffer < good.buffers.size(); ++buffer) {
      for (size_t cut = 0; cut < good.buffers[buffer].size(); ++cut) {
        TestPage page = good;
        page.buffers[buffer].resize(cut);
        EXPECT_FALSE(page.ReadAll().ok()) << "buffer " << buffer << " cut at " << cut;
      }
    }
    for (int round = 0; round < 2000; ++round) {
      TestPage page = good;
      std::string& buffer = page.buffers[random() % page.buffers.size()];
      buffer[random() % buffer.size()] ^= static_cast<char>(1 << (random() % 8));
      (void)page.ReadAll();
      (void)page.Read({{1, 2, 0}, {static_cast<uint64_t>(rows) - 1, 1, 2}}, 3);
    }
  }
}

TEST(MiniBlock, DescriptorsThatContradictThemselvesAreErrors) {
  const TestPage good = CountingPage(100, 4, true);
  const auto refused = [&](const auto& change) {
    TestPage page = good;
    change(page.wire.mutable_mini_block_layout(), &page);
    return !page.Make().ok();
  };
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_num_buffers(2); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_num_items(99); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_repetition_index_depth(2); }));
  EXPECT_TRUE(refused([](auto* l, auto* page) {  // rows would be counted by an index nobody checks
    l->set_repetition_index_depth(1);
    page->buffers.push_back(Raw<uint64_t>({100, 0}));
  }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->add_layers(REPDEF_NULLABLE_ITEM); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->set_layers(0, REPDEF_ALL_VALID_LIST); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { l->clear_layers(); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { *l->mutable_value_compression() = FlatWire(64); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { *l->mutable_rep_compression() = FlatWire(16); }));
  EXPECT_TRUE(refused([](auto* l, auto*) { *l->mutable_def_compression() = FlatWire(8); }));
  EXPECT_TRUE(refused([](auto*, auto* page) { page->buffers.pop_back(); }));
  EXPECT_TRUE(refused([](auto*, auto* page) { page->rows = uint64_t{1} << 40; }));
}

}  // namespace
}  // namespace pilum::encoding
