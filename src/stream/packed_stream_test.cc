#include <algorithm>
#include <numeric>
#include <random>

#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "database/test_table.h"
#include "order/epoch_sequence.h"
#include "pilum/error.h"
#include "pilum/packing.h"

namespace pilum::stream {
namespace {

using ::testing::HasSubstr;
using Tokens = std::vector<int64_t>;
using Documents = std::vector<Tokens>;
using SnapshotPtr = std::shared_ptr<const Snapshot>;

constexpr int64_t kEos = -1;
constexpr int64_t kPad = -2;

struct Block {
  Tokens input_ids;
  Tokens doc_ids;
  uint64_t number = 0;

  bool operator==(const Block&) const = default;
};
using Blocks = std::vector<Block>;

void PrintTo(const Block& block, std::ostream* out) {
  *out << testing::PrintToString(block.input_ids) << " of " << testing::PrintToString(block.doc_ids)
       << ", block " << block.number;
}

std::shared_ptr<arrow::RecordBatch> AsColumn(const std::shared_ptr<arrow::Array>& lists) {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("tokens", lists->type())}),
                                  lists->length(), {lists});
}

/// Documents as a column `tokens`.
std::shared_ptr<arrow::RecordBatch> Rows(const Documents& documents) {
  auto values = std::make_shared<arrow::Int32Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), values);
  for (const Tokens& document : documents) {
    EXPECT_TRUE(lists.Append().ok());
    for (const int64_t token : document)
      EXPECT_TRUE(values->Append(static_cast<int32_t>(token)).ok());
  }
  return AsColumn(*lists.Finish());
}

SnapshotPtr Store(const Documents& documents) {
  return MakeSnapshot(Rows(documents), {.max_rows_per_file = 50});
}

/// The same of any type.
SnapshotPtr StoreAs(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return MakeSnapshot(AsColumn(*arrow::json::ArrayFromJSONString(type, json)));
}

SnapshotPtr StoreAs(const std::shared_ptr<arrow::DataType>& type, const Documents& documents) {
  std::string json = "[";
  for (const Tokens& document : documents) {
    json += json.size() > 1 ? ",[" : "[";
    for (size_t i = 0; i < document.size(); ++i)
      json.append(i > 0 ? "," : "").append(std::to_string(document[i]));
    json += "]";
  }
  json += "]";
  return StoreAs(type, json);
}

/// Document i has tokens that begin with 1000 * i; one in five has none.
Documents Random(size_t count, int64_t longest, uint32_t seed = 1) {
  std::mt19937 random(seed);
  Documents documents(count);
  for (size_t i = 0; i < count; ++i) {
    if (random() % 5 > 0) documents[i].resize(random() % static_cast<size_t>(longest + 1));
    std::iota(documents[i].begin(), documents[i].end(), static_cast<int64_t>(i) * 1000);
  }
  return documents;
}

EpochOptions InSplits(uint64_t num_splits, int64_t batch_size = 3) {
  return {.shuffle = ShuffleOptions{.seed = 5, .epoch = 2},
          .num_splits = num_splits,
          .batch_size = batch_size};
}

PackOptions InBlocks(int64_t block_tokens, uint64_t blocks_per_split) {
  return {block_tokens, kEos, kPad, blocks_per_split};
}

/// The blocks of one split, token by token.
Blocks ExpectedOfSplit(const Documents& rows, const PackOptions& packing, PackCounts* counts) {
  Tokens tokens;
  Tokens documents;
  for (size_t i = 0; i < rows.size(); ++i) {
    tokens.insert(tokens.end(), rows[i].begin(), rows[i].end());
    tokens.push_back(kEos);
    documents.resize(tokens.size(), static_cast<int64_t>(i));
  }
  Blocks blocks(packing.blocks_per_split);
  size_t next = 0;
  for (Block& block : blocks) {
    const size_t first = next;
    for (int64_t i = 0; i < packing.block_tokens; ++i) {
      const bool pad = next == tokens.size();
      block.input_ids.push_back(pad ? kPad : tokens[next]);
      if (pad) {
        block.doc_ids.push_back(i == 0 ? 0 : block.doc_ids.back());
      } else {
        block.doc_ids.push_back(documents[next] - documents[first]);
      }
      counts->pad_tokens += pad;
      counts->tokens += !pad;
      counts->rows += !pad && tokens[next] == kEos;
      next += !pad;
    }
  }
  return blocks;
}

/// The blocks that one reader gets.
Blocks Expected(const Documents& documents, const EpochOptions& options, const PackOptions& packing,
                PackCounts* counts) {
  auto order = RowOrder::Stored(documents.size());
  if (options.shuffle) order = *RowOrder::Shuffled(documents.size(), *options.shuffle);
  const size_t rows = documents.size() / options.num_splits;
  std::vector<Blocks> splits;
  for (uint64_t split = options.reader.rank; split < options.num_splits;
       split += options.reader.world_size) {
    Documents of_split;
    for (size_t i = 0; i < rows; ++i) of_split.push_back(documents[order.RowAt(split * rows + i)]);
    splits.push_back(ExpectedOfSplit(of_split, packing, counts));
  }
  Blocks blocks;
  for (uint64_t i = 0; i < packing.blocks_per_split; ++i) {
    uint64_t number = i * options.num_splits + options.reader.rank;
    for (const Blocks& split : splits) {
      blocks.push_back(split[i]);
      blocks.back().number = number;
      number += options.reader.world_size;
    }
  }
  return blocks;
}

Blocks Expected(const Documents& documents, const EpochOptions& options,
                const PackOptions& packing) {
  PackCounts counts;
  return Expected(documents, options, packing, &counts);
}

arrow::Result<std::shared_ptr<PackedStream>> TryOpen(
    const SnapshotPtr& snapshot, const EpochOptions& options, const PackOptions& packing,
    const std::optional<PackProgress>& start = std::nullopt) {
  return OpenPacked(EpochRows::Find(snapshot).ValueOrDie(), options, packing, start);
}

std::shared_ptr<PackedStream> Open(const SnapshotPtr& snapshot, const EpochOptions& options,
                                   const PackOptions& packing,
                                   const std::optional<PackProgress>& start = std::nullopt) {
  return TryOpen(snapshot, options, packing, start).ValueOrDie();
}

Tokens Block64(const arrow::Array& column, int64_t row) {
  const auto& lists = static_cast<const arrow::FixedSizeListArray&>(column);
  const auto values = std::static_pointer_cast<arrow::Int64Array>(lists.value_slice(row));
  return {values->raw_values(), values->raw_values() + values->length()};
}

/// Of each batch.
std::vector<Blocks> Batches(PackedStream* stream, size_t most = SIZE_MAX) {
  std::vector<Blocks> batches;
  while (batches.size() < most) {
    const auto batch = stream->Next().ValueOrDie();
    if (!batch) break;
    EXPECT_TRUE(batch->ValidateFull().ok());
    batches.emplace_back();
    const auto& numbers = static_cast<const arrow::UInt64Array&>(*batch->column(2));
    for (int64_t i = 0; i < batch->num_rows(); ++i) {
      batches.back().push_back(
          {Block64(*batch->column(0), i), Block64(*batch->column(1), i), numbers.Value(i)});
    }
  }
  return batches;
}

Blocks Joined(const std::vector<Blocks>& batches) {
  Blocks blocks;
  for (const Blocks& batch : batches) blocks.insert(blocks.end(), batch.begin(), batch.end());
  return blocks;
}

Blocks All(const SnapshotPtr& snapshot, const EpochOptions& options, const PackOptions& packing,
           const std::optional<PackProgress>& start = std::nullopt) {
  return Joined(Batches(Open(snapshot, options, packing, start).get()));
}

/// Enough for all tokens, or nearly.
uint64_t BlocksFor(const Documents& documents, uint64_t num_splits, int64_t block_tokens) {
  size_t tokens = 0;
  for (const Tokens& document : documents) tokens += document.size() + 1;
  return tokens / num_splits / static_cast<size_t>(block_tokens) + 1;
}

TEST(PackedStream, CutsDocumentsIntoBlocks) {
  const Documents documents = {{7, 8, 9}, {}, {5, 6}, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const EpochOptions options{.shuffle = std::nullopt, .num_splits = 1};
  const auto stream = Open(Store(documents), options, InBlocks(4, 6));
  EXPECT_EQ(stream->num_blocks(), 6u);
  EXPECT_EQ(Joined(Batches(stream.get())), (Blocks{{{7, 8, 9, kEos}, {0, 0, 0, 0}, 0},
                                                   {{kEos, 5, 6, kEos}, {0, 1, 1, 1}, 1},
                                                   {{1, 2, 3, 4}, {0, 0, 0, 0}, 2},
                                                   {{5, 6, 7, 8}, {0, 0, 0, 0}, 3},
                                                   {{9, kEos, kPad, kPad}, {0, 0, 0, 0}, 4},
                                                   {{kPad, kPad, kPad, kPad}, {0, 0, 0, 0}, 5}}));
  EXPECT_EQ(stream->counts(), (PackCounts{18, 6, 4}));
  EXPECT_EQ(stream->progress(), (PackProgress{{6}, {4}, {0}}));
}

TEST(PackedStream, BatchesAreFixedSizeListsWithoutNulls) {
  const auto stream = Open(Store({{1, 2}}), {.num_splits = 1}, InBlocks(5, 1));
  const auto block = arrow::fixed_size_list(arrow::field("item", arrow::int64(), false), 5);
  EXPECT_EQ(*stream->schema(), *arrow::schema({arrow::field("input_ids", block, false),
                                               arrow::field("doc_ids", block, false),
                                               arrow::field("block", arrow::uint64(), false)}));
  EXPECT_EQ(*stream->Next().ValueOrDie()->schema(), *stream->schema());
}

TEST(PackedStream, IsWhatAPlainLoopMakes) {
  const std::optional<ShuffleOptions> shuffles[] = {std::nullopt, ShuffleOptions{.seed = 3},
                                                    ShuffleOptions{.seed = 4, .clump_size = 7}};
  for (int64_t longest : {0, 3, 60}) {
    const Documents documents = Random(230, longest);
    const auto snapshot = Store(documents);
    for (const auto& shuffle : shuffles) {
      for (uint64_t splits : {1u, 2u, 6u, 230u}) {
        for (int64_t length : {1, 2, 16, 100}) {
          const uint64_t enough = BlocksFor(documents, splits, length);
          for (uint64_t blocks : {uint64_t{1}, enough / 2 + 1, enough * 2}) {
            EpochOptions options = InSplits(splits);
            options.shuffle = shuffle;
            options.reader = {splits > 1 ? 1u : 0u, splits % 2 == 0 ? 2u : 1u};
            const PackOptions packing = InBlocks(length, blocks);
            PackCounts counts;
            const Blocks expected = Expected(documents, options, packing, &counts);
            const auto stream = Open(snapshot, options, packing);
            EXPECT_EQ(stream->num_blocks(), splits * blocks);
            ASSERT_TRUE(Joined(Batches(stream.get())) == expected)
                << longest << ' ' << splits << ' ' << length << ' ' << blocks;
            EXPECT_EQ(stream->counts(), counts);
          }
        }
      }
    }
  }
}

TEST(PackedStream, BatchesAreOfTheSizeAskedForHoweverFarIsReadAhead) {
  const Documents documents = Random(300, 40);
  const auto snapshot = Store(documents);
  const PackOptions packing = InBlocks(16, BlocksFor(documents, 4, 16));
  const Blocks expected = Expected(documents, InSplits(4), packing);
  for (int64_t size : {1, 7, 100, 5000}) {
    for (uint64_t ahead : {0u, 1u, 10u, 100u}) {
      EpochOptions options = InSplits(4, size);
      options.readahead_rows = ahead;
      const auto batches = Batches(Open(snapshot, options, packing).get());
      EXPECT_TRUE(Joined(batches) == expected);
      for (size_t i = 0; i + 1 < batches.size(); ++i)
        EXPECT_EQ(batches[i].size(), static_cast<size_t>(size));
      options.whole_batches = false;
      const auto parts = Batches(Open(snapshot, options, packing).get());
      EXPECT_TRUE(Joined(parts) == expected);
      for (const Blocks& part : parts) {
        EXPECT_GE(part.size(), 1u);
        EXPECT_LE(part.size(), static_cast<size_t>(size));
      }
    }
  }
}

TEST(PackedStream, ReadNextDoesNotWaitOnceWaitNextSaysSo) {
  const Documents documents = Random(300, 40);
  EpochOptions options = InSplits(4, 20);
  options.readahead_rows = 8;  // a batch is of many windows
  const PackOptions packing = InBlocks(16, BlocksFor(documents, 4, 16));
  const auto stream = Open(Store(documents), options, packing);
  Blocks found;
  while (true) {
    while (!stream->WaitNext(std::chrono::milliseconds(0))) continue;
    const uint64_t read = options.counters->rows_requested;
    const Blocks batch = Joined(Batches(stream.get(), 1));
    EXPECT_EQ(options.counters->rows_requested, read);
    if (batch.empty()) break;
    found.insert(found.end(), batch.begin(), batch.end());
  }
  EXPECT_TRUE(found == Expected(documents, options, packing));
}

TEST(PackedStream, TakesAllIntegersAndLists) {
  const Documents small = {{1, 2, 127}, {}, {0}, {5, 6, 7, 8}};
  for (const auto& type : {arrow::int8(), arrow::uint8(), arrow::int16(), arrow::uint16(),
                           arrow::int32(), arrow::uint32(), arrow::int64(), arrow::uint64()}) {
    for (const auto& lists : {arrow::list(type), arrow::large_list(type)}) {
      EXPECT_TRUE(All(StoreAs(lists, small), InSplits(2), InBlocks(3, 3)) ==
                  Expected(small, InSplits(2), InBlocks(3, 3)))
          << lists->ToString();
    }
    const Documents equal = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}, {10, 11, 12}};
    EXPECT_TRUE(All(StoreAs(arrow::fixed_size_list(type, 3), equal), InSplits(2), InBlocks(5, 2)) ==
                Expected(equal, InSplits(2), InBlocks(5, 2)))
        << type->ToString();
  }
  const Documents extreme = {{INT64_MIN, INT64_MAX, -1, 0}};
  EXPECT_TRUE(All(StoreAs(arrow::list(arrow::int64()), extreme), InSplits(1), InBlocks(5, 1)) ==
              Expected(extreme, InSplits(1), InBlocks(5, 1)));
  const Documents unsigned_ones = {{255}, {128, 0}};
  EXPECT_TRUE(All(StoreAs(arrow::list(arrow::uint8()), unsigned_ones), InSplits(1),
                  InBlocks(5, 1)) == Expected(unsigned_ones, InSplits(1), InBlocks(5, 1)));
}

TEST(PackedStream, HasTheRowsThatAFilterKeeps) {
  const Documents documents = Random(200, 20);
  auto rows = Rows(documents);
  rows = *rows->AddColumn(1, "a", CountingRows(200)->column(0));
  const auto chosen =
      EpochRows::Find(MakeSnapshot(rows, {.max_rows_per_file = 50}), {"a >= 60 AND a < 140"});
  EpochOptions options = InSplits(4);
  options.columns = {.names = {{"tokens"}}};
  const auto stream = OpenPacked(*chosen, options, InBlocks(16, 9)).ValueOrDie();
  const Documents kept(documents.begin() + 60, documents.begin() + 140);
  EXPECT_TRUE(Joined(Batches(stream.get())) == Expected(kept, options, InBlocks(16, 9)));
}

TEST(PackedStream, ReadersShareTheBlocksOfOne) {
  const Documents documents = Random(250, 40);
  const auto snapshot = Store(documents);
  const PackOptions packing = InBlocks(16, 20);
  const Blocks alone = All(snapshot, InSplits(12), packing);
  for (uint64_t world_size : {2u, 3u, 4u, 6u, 12u}) {
    for (uint64_t rank = 0; rank < world_size; ++rank) {
      EpochOptions options = InSplits(12);
      options.reader = {rank, world_size};
      Blocks share;
      for (size_t i = rank; i < alone.size(); i += world_size) share.push_back(alone[i]);
      EXPECT_TRUE(All(snapshot, options, packing) == share);
    }
  }
}

TEST(PackedStream, GoesOnFromEveryBlock) {
  for (int64_t longest : {4, 50}) {
    const Documents documents = Random(60, longest);
    const auto snapshot = Store(documents);
    for (int64_t length : {1, 8, 33}) {
      EpochOptions options = InSplits(6, 5);
      options.reader = {1, 2};
      const PackOptions packing = InBlocks(length, BlocksFor(documents, 6, length));
      const Blocks whole = All(snapshot, options, packing);
      const auto stream = Open(snapshot, options, packing);
      for (size_t delivered = 0; delivered < whole.size();) {
        const size_t size = Joined(Batches(stream.get(), 1)).size();
        delivered += size;
        for (uint64_t unused = 0; unused <= size; ++unused) {
          const auto rest = whole.begin() + static_cast<long>(delivered - unused);
          EXPECT_TRUE(All(snapshot, options, packing, stream->progress(unused)) ==
                      Blocks(rest, whole.end()))
              << "after " << delivered << " blocks, of which unused: " << unused;
        }
      }
    }
  }
}

TEST(PackedStream, GoesOnWithAnyNumberOfReaders) {
  const Documents documents = Random(250, 40);
  const auto snapshot = Store(documents);
  const PackOptions packing = InBlocks(16, 22);
  const Blocks alone = All(snapshot, InSplits(12), packing);
  // Three readers deliver some batches of four, then four go on.
  PackProgress progress = PackProgress::Beginning(12);
  for (uint64_t rank = 0; rank < 3; ++rank) {
    EpochOptions options = InSplits(12, 4);
    options.reader = {rank, 3};
    const auto stream = Open(snapshot, options, packing);
    Batches(stream.get(), 5);
    progress.Merge(stream->progress());
  }
  for (uint64_t rank = 0; rank < 4; ++rank) {
    EpochOptions options = InSplits(12);
    options.reader = {rank, 4};
    Blocks share;
    for (size_t i = 60 + rank; i < alone.size(); i += 4) share.push_back(alone[i]);
    EXPECT_TRUE(All(snapshot, options, packing, progress) == share);
  }
}

TEST(PackedStream, ProgressOfOtherReadersIsThatOfTheStart) {
  const auto snapshot = Store(Random(40, 10));
  EpochOptions options = InSplits(4, 4);
  options.reader = {1, 2};
  const PackProgress start{{2, 1, 0, 1}, {3, 2, 0, 1}, {0, 0, 0, 0}};
  const auto stream = Open(snapshot, options, InBlocks(4, 5), start);
  EXPECT_EQ(stream->progress(), start);
  Batches(stream.get());
  const PackProgress end = stream->progress();
  EXPECT_EQ(end.blocks, (std::vector<uint64_t>{2, 5, 0, 5}));
  EXPECT_EQ(end.places[0], 3u);
  EXPECT_EQ(end.places[2], 0u);
}

TEST(PackedStream, PlacesAreBehindRowsThatWereDeliveredWhole) {
  const EpochOptions options{.shuffle = std::nullopt, .num_splits = 1, .batch_size = 1};
  const auto stream = Open(Store({{1, 2, 3}, {4, 5, 6, 7}}), options, InBlocks(4, 4));
  Batches(stream.get(), 1);
  EXPECT_EQ(stream->progress(), (PackProgress{{1}, {1}, {0}}));  // 1 2 3 eos
  Batches(stream.get(), 1);
  EXPECT_EQ(stream->progress(), (PackProgress{{2}, {1}, {4}}));  // 4 5 6 7, not eos
  Batches(stream.get(), 1);
  EXPECT_EQ(stream->progress(), (PackProgress{{3}, {2}, {0}}));  // eos
  EXPECT_EQ(stream->progress(1), (PackProgress{{2}, {1}, {4}}));
  EXPECT_EQ(stream->progress(100), (PackProgress{{2}, {1}, {4}}));
}

TEST(PackedStream, SplitsThatLagAreFirst) {
  const Documents documents = Random(60, 20);
  const auto snapshot = Store(documents);
  const PackOptions packing = InBlocks(8, 10);
  const Blocks whole = All(snapshot, InSplits(3), packing);  // block b of split s is 3 b + s
  const auto progress = [&](size_t blocks) {
    EpochOptions options = InSplits(3, 1);
    const auto stream = Open(snapshot, options, packing);
    Batches(stream.get(), blocks);
    return stream->progress();
  };
  PackProgress start = progress(12);  // 4 of each
  const PackProgress before = progress(6);
  start.blocks[1] = before.blocks[1];
  start.places[1] = before.places[1];
  start.offsets[1] = before.offsets[1];
  Blocks expected = {whole[7], whole[10]};
  expected.insert(expected.end(), whole.begin() + 12, whole.end());
  EXPECT_TRUE(All(snapshot, InSplits(3), packing, start) == expected);
}

TEST(PackedStream, DealtBatchesAreTogetherThoseOfOneConsumer) {
  const Documents documents = Random(120, 30);
  const auto snapshot = Store(documents);
  EpochOptions options = InSplits(6, 4);
  options.reader = {1, 2};
  const PackOptions packing = InBlocks(8, 19);  // 57 blocks: 14 batches of 4 and one of 1
  const auto undealt = Open(snapshot, options, packing);
  const auto whole = Batches(undealt.get());
  for (uint64_t count : {1u, 2u, 3u, 5u, 50u}) {
    PackCounts sum;
    for (uint64_t index = 0; index < count; ++index) {
      options.deal = {index, count};
      const auto stream = Open(snapshot, options, packing);
      for (size_t number = index; number < whole.size(); number += count) {
        EXPECT_TRUE(Batches(stream.get(), 1) == std::vector<Blocks>{whole[number]});
        for (uint64_t unused : {0u, 1u}) {
          EpochOptions rest = options;
          rest.deal = {};
          Blocks expected(whole[number].end() - static_cast<long>(unused), whole[number].end());
          for (size_t i = number + 1; i < whole.size(); ++i)
            expected.insert(expected.end(), whole[i].begin(), whole[i].end());
          EXPECT_TRUE(All(snapshot, rest, packing, stream->progress(unused)) == expected);
        }
      }
      EXPECT_TRUE(Batches(stream.get()).empty());
      sum.tokens += stream->counts().tokens;
      sum.pad_tokens += stream->counts().pad_tokens;
      sum.rows += stream->counts().rows;
    }
    EXPECT_EQ(sum, undealt->counts());
  }
}

TEST(PackedStream, EndStaysTheEnd) {
  const auto snapshot = Store(Random(20, 10));
  const auto stream = Open(snapshot, InSplits(2), InBlocks(8, 4));
  EXPECT_EQ(Joined(Batches(stream.get())).size(), 8u);
  EXPECT_EQ(stream->Next().ValueOrDie(), nullptr);
  EXPECT_TRUE(All(snapshot, InSplits(2), InBlocks(8, 4), stream->progress()).empty());
}

TEST(PackedStream, ClosedItEnds) {
  EpochOptions options = InSplits(2);
  options.readahead_rows = 1;
  const auto stream = Open(Store(Random(100, 10)), options, InBlocks(8, 40));
  EXPECT_EQ(Batches(stream.get(), 2).size(), 2u);
  const PackProgress progress = stream->progress();
  EXPECT_TRUE(stream->Close().ok());
  EXPECT_EQ(stream->Next().ValueOrDie(), nullptr);
  EXPECT_EQ(stream->progress(), progress);
}

/// Row 5 of ten is `row`.
SnapshotPtr WithRow(const std::string& row, const std::shared_ptr<arrow::DataType>& type) {
  std::string json = "[";
  for (int i = 0; i < 10; ++i) json.append(i > 0 ? "," : "").append(i == 5 ? row : "[1, 2, 3]");
  return StoreAs(arrow::list(type), json + "]");
}

TEST(PackedStream, RefusesRowsThatCannotBePacked) {
  struct Case {
    const char* row;
    std::shared_ptr<arrow::DataType> type;
    const char* message;
  };
  const Case cases[] = {
      {"null", arrow::int32(),
       "column 'tokens' has a null list: packing does not support null (row 5)"},
      {"[4, null]", arrow::int32(),
       "column 'tokens' has a null token: packing does not support null (row 5)"},
      {"[9223372036854775808]", arrow::uint64(), "column 'tokens' has a token above int64 (row 5)"},
  };
  for (const Case& refused : cases) {
    const auto snapshot = WithRow(refused.row, refused.type);
    for (int64_t size : {1, 3, 4}) {
      for (bool whole : {true, false}) {
        const EpochOptions options{
            .shuffle = std::nullopt, .num_splits = 1, .batch_size = size, .whole_batches = whole};
        const auto stream = Open(snapshot, options, InBlocks(4, 10));
        // Of the five blocks before it, all are delivered that make batches.
        const int64_t before = whole ? 5 - 5 % size : 5;
        for (int64_t blocks = 0; blocks < before;)
          blocks += static_cast<int64_t>(Joined(Batches(stream.get(), 1)).size());
        for (int again = 0; again < 2; ++again) {
          const auto status = stream->Next().status();
          EXPECT_EQ(GetErrorKind(status), ErrorKind::kInvalidArgument);
          EXPECT_EQ(status.message(), refused.message);
        }
        const auto rows = static_cast<uint64_t>(before);
        EXPECT_EQ(stream->progress(), (PackProgress{{rows}, {rows}, {0}}));
        EXPECT_EQ(stream->counts(), (PackCounts{rows * 4, 0, rows}));
      }
    }
    // What is left out may be anything.
    EXPECT_EQ(All(snapshot, {.shuffle = std::nullopt, .num_splits = 1}, InBlocks(4, 5)).size(), 5u);
  }
}

void ExpectInvalid(const SnapshotPtr& snapshot, const EpochOptions& options,
                   const PackOptions& packing, const std::string& message,
                   const std::optional<PackProgress>& start = std::nullopt) {
  const auto stream = TryOpen(snapshot, options, packing, start);
  ASSERT_FALSE(stream.ok()) << message;
  EXPECT_EQ(GetErrorKind(stream.status()), ErrorKind::kInvalidArgument);
  EXPECT_THAT(stream.status().message(), HasSubstr(message));
}

TEST(PackedStream, RefusesWhatItCannotDo) {
  const auto snapshot = Store(Random(20, 5));
  const PackOptions packing = InBlocks(8, 4);
  ExpectInvalid(StoreAs(arrow::list(arrow::float32()), "[[1]]"), {}, packing,
                "column 'tokens' is list<item: float>: packing needs lists of integers");
  ExpectInvalid(MakeSnapshot(CountingRows(20)), {.columns = {.names = {{"a"}}}}, packing,
                "column 'a' is int64");
  ExpectInvalid(MakeSnapshot(CountingRows(20)), {}, packing, "packing needs one column, not 2");
  ExpectInvalid(snapshot, {.columns = {.names = {{"x"}}}}, packing, "x");
  ExpectInvalid(snapshot, {}, InBlocks(0, 4), "block_tokens must be at least 1, not 0");
  ExpectInvalid(snapshot, {}, InBlocks(int64_t{1} << 31, 1), "block_tokens");
  ExpectInvalid(snapshot, {}, InBlocks(8, 0), "blocks_per_split must be at least 1");
  ExpectInvalid(snapshot, {}, InBlocks(8, UINT64_MAX / 8), "blocks_per_split");
  ExpectInvalid(snapshot, InSplits(4, 0), packing, "batch_size must be at least 1, not 0");
  ExpectInvalid(snapshot, {.num_splits = 10, .reader = {0, 4}}, packing, "must be divisible");
  ExpectInvalid(snapshot, {.deal = {2, 2}}, packing, "the deal has index 2 of 2");
  ExpectInvalid(snapshot, {.whole_batches = false, .deal = {1, 2}}, packing, "need not be whole");
}

TEST(PackedStream, RefusesAStartOfAnotherEpoch) {
  const auto snapshot = Store(Documents(20, {1, 2, 3}));
  const EpochOptions options{.num_splits = 2};
  const PackOptions packing = InBlocks(8, 4);
  ExpectInvalid(snapshot, options, packing, "num_splits mismatch", PackProgress::Beginning(3));
  ExpectInvalid(snapshot, options, packing, "num_splits mismatch",
                PackProgress{{0, 0}, {0}, {0, 0}});
  ExpectInvalid(snapshot, options, packing, "split 1 is 5 blocks",
                PackProgress{{0, 5}, {0, 0}, {0, 0}});
  ExpectInvalid(snapshot, options, packing, "place 11", PackProgress{{0, 1}, {0, 11}, {0, 0}});
  ExpectInvalid(snapshot, options, packing, "offset 1", PackProgress{{0, 1}, {0, 10}, {0, 1}});
  // How long rows are is seen when they are read.
  const PackProgress beyond{{0, 1}, {0, 2}, {0, 4}};
  EXPECT_THAT(Open(snapshot, options, packing, beyond)->Next().status().message(),
              HasSubstr("has a row of 3 tokens, of which 4 were delivered"));
  const PackProgress far{{0, 1}, {0, 2}, {0, UINT64_MAX}};
  EXPECT_FALSE(Open(snapshot, options, packing, far)->Next().ok());
  const PackProgress eos_is_next{{1, 1}, {2, 2}, {3, 0}};
  const Blocks rest = All(snapshot, options, packing, eos_is_next);
  EXPECT_EQ(rest[0].input_ids[0], kEos);
}

TEST(PackedStream, ReadsNoMoreOfLongRowsThanOfShortOnes) {
  // Rows of split 0 have two tokens, those of the others 400.
  constexpr size_t kRows = 40'000;
  Documents documents(kRows, Tokens{1, 2});
  for (size_t i = kRows / 4; i < kRows; ++i) documents[i].assign(400, static_cast<int64_t>(i));
  const EpochOptions options{
      .shuffle = std::nullopt, .num_splits = 4, .batch_size = 4, .readahead_rows = 1000};
  const PackOptions packing = InBlocks(128, 200);
  const auto stream = Open(MakeSnapshot(Rows(documents)), options, packing);
  Blocks found;
  uint64_t ahead = 0;
  for (std::vector<Blocks> batch; !(batch = Batches(stream.get(), 1)).empty();) {
    found.insert(found.end(), batch[0].begin(), batch[0].end());
    const PackProgress used = stream->progress();
    ahead =
        std::max(ahead, options.counters->rows_requested -
                            std::accumulate(used.places.begin(), used.places.end(), uint64_t{}));
  }
  EXPECT_TRUE(found == Expected(documents, options, packing));
  // What is read ahead, and what was asked for before a row was seen.
  EXPECT_LE(ahead, 3 * options.readahead_rows);
}

TEST(PackedStream, AsksForRowsThatBlocksNeed) {
  const Documents documents = Random(20'000, 100);
  const auto snapshot = Store(documents);
  const PackOptions packing = InBlocks(512, 110);  // of some 130
  EpochOptions options = InSplits(12);
  options.readahead_rows = 2000;
  PackCounts counts;
  const Blocks expected = Expected(documents, options, packing, &counts);
  EXPECT_TRUE(All(snapshot, options, packing) == expected);
  EXPECT_GT(counts.rows, 15'000u);
  EXPECT_LT(counts.rows, 18'000u);
  EXPECT_LE(options.counters->rows_requested, counts.rows + 12 * 16);
}

TEST(PackedStream, FindsTokensThatLongRowsDidNotPromise) {
  // Long rows first, then hardly any tokens: whatever is expected of a row is wrong.
  Documents documents(20'000);
  for (size_t i = 0; i < 300; ++i) documents[i].assign(1000, 1);
  const EpochOptions options{.shuffle = std::nullopt, .num_splits = 1};
  const PackOptions packing = InBlocks(1000, 305);  // 5000 rows
  EXPECT_TRUE(All(MakeSnapshot(Rows(documents)), options, packing) ==
              Expected(documents, options, packing));
  EXPECT_EQ(options.counters->rows_requested, 5000u);
}

uint64_t Estimate(const SnapshotPtr& snapshot, const EpochOptions& options, int64_t block_tokens) {
  return EstimateBlocksPerEpoch(EpochRows::Find(snapshot).ValueOrDie(), options, block_tokens)
      .ValueOrDie();
}

TEST(EstimateBlocksPerEpoch, IsExactWhereRowsAreAlike) {
  const auto snapshot = Store(Documents(100, Tokens(9, 1)));
  EXPECT_EQ(Estimate(snapshot, InSplits(1), 10), 100u);
  EXPECT_EQ(Estimate(snapshot, InSplits(1), 11), 91u);   // 1000 tokens
  EXPECT_EQ(Estimate(snapshot, InSplits(7), 10), 98u);   // 14 rows each
  EXPECT_EQ(Estimate(snapshot, InSplits(4), 100), 12u);  // 250 tokens each
  EXPECT_EQ(Estimate(snapshot, InSplits(4), 5000), 4u);
}

TEST(EstimateBlocksPerEpoch, ReadsAFewRowsOfMany) {
  const Documents documents = Random(20'000, 60);
  const auto snapshot = MakeSnapshot(Rows(documents));
  EpochOptions options = InSplits(8);
  const uint64_t exact = 8 * BlocksFor(documents, 8, 128);
  const uint64_t estimate = Estimate(snapshot, options, 128);
  EXPECT_EQ(estimate % 8, 0u);
  EXPECT_NEAR(static_cast<double>(estimate), static_cast<double>(exact),
              static_cast<double>(exact) / 10);
  // Neither the reader nor the order matters.
  options.reader = {3, 4};
  options.shuffle = std::nullopt;
  EXPECT_EQ(Estimate(snapshot, options, 128), estimate);
  EXPECT_EQ(options.counters->rows_requested, 0u);  // which is what the epoch reads
}

TEST(EstimateBlocksPerEpoch, RefusesWhatCannotBePacked) {
  const auto rows = EpochRows::Find(MakeSnapshot(CountingRows(20))).ValueOrDie();
  EXPECT_THAT(EstimateBlocksPerEpoch(rows, {.columns = {.names = {{"a"}}}}, 8).status().message(),
              HasSubstr("packing needs lists of integers"));
  EXPECT_THAT(EstimateBlocksPerEpoch(rows, {.num_splits = 21}, 8).status().message(),
              HasSubstr("at least 1 row per split"));
  EXPECT_THAT(EstimateBlocksPerEpoch(rows, {}, 0).status().message(), HasSubstr("block_tokens"));
}

}  // namespace
}  // namespace pilum::stream
