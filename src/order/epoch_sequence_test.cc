#include "order/epoch_sequence.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "pilum/error.h"

namespace pilum::order {
namespace {

using Rows = std::vector<uint64_t>;

EpochSequence Sequence(uint64_t rows, uint64_t splits, const ShuffleOptions& options = {}) {
  return EpochSequence::Make(RowOrder::Shuffled(rows, options).ValueOrDie(), splits).ValueOrDie();
}

EpochSequence Stored(uint64_t rows, uint64_t splits) {
  return EpochSequence::Make(RowOrder::Stored(rows), splits).ValueOrDie();
}

/// What a reader delivers from `start` on: its splits in turns, each in the order of its places.
Rows Delivered(const EpochSequence& sequence, const EpochReader& reader,
               const EpochProgress& start) {
  std::vector<Rows> splits;
  uint64_t left = 0;
  for (uint64_t split = 0; split < sequence.num_splits(); ++split) {
    const bool own = split % reader.world_size == reader.rank;
    splits.emplace_back(own ? sequence.rows_per_split() - start.places[split] : 0);
    sequence.FillSplit(split, start.places[split], splits.back());
    left += splits.back().size();
  }
  Turns turns(reader, start.samples);
  Rows rows;
  std::vector<size_t> next(splits.size(), 0);
  while (left-- > 0) {
    const uint64_t split = turns.Next();
    rows.push_back(splits[split].at(next[split]++));
  }
  return rows;
}

Rows Delivered(const EpochSequence& sequence, const EpochReader& reader) {
  return Delivered(sequence, reader, EpochProgress::After(0, sequence.num_splits()));
}

Rows AllRows(const EpochSequence& sequence) {
  Rows rows;
  for (uint64_t sample = 0; sample < sequence.size(); ++sample)
    rows.push_back(sequence.RowAt(sample));
  return rows;
}

std::vector<uint64_t> DivisorsOf(uint64_t n) {
  std::vector<uint64_t> divisors;
  for (uint64_t d = 1; d <= n; ++d)
    if (n % d == 0) divisors.push_back(d);
  return divisors;
}

/// The global batches of so many readers, each a set.
std::vector<std::set<uint64_t>> GlobalBatches(const EpochSequence& sequence, uint64_t world_size,
                                              uint64_t batch_size) {
  std::vector<std::set<uint64_t>> batches((sequence.size() + batch_size - 1) / batch_size);
  for (uint64_t rank = 0; rank < world_size; ++rank) {
    const Rows rows = Delivered(sequence, {rank, world_size});
    for (size_t i = 0; i < rows.size(); ++i) batches[i / (batch_size / world_size)].insert(rows[i]);
  }
  return batches;
}

void ExpectElastic(const EpochSequence& sequence) {
  const Rows all = AllRows(sequence);
  for (uint64_t world_size : DivisorsOf(sequence.num_splits())) {
    for (uint64_t times = 1; times * world_size <= sequence.size(); times = times * 2 + 1) {
      const uint64_t batch_size = times * world_size;
      const auto batches = GlobalBatches(sequence, world_size, batch_size);
      for (size_t batch = 0; batch < batches.size(); ++batch) {
        const auto first = all.begin() + static_cast<long>(batch * batch_size);
        const auto last =
            all.begin() + static_cast<long>(std::min(sequence.size(), (batch + 1) * batch_size));
        ASSERT_EQ(batches[batch], std::set<uint64_t>(first, last))
            << "batch " << batch << " of " << batch_size << ", " << world_size << " readers of "
            << sequence.num_splits() << " splits";
      }
    }
  }
}

void ExpectInvalid(const arrow::Status& status, const std::string& message) {
  EXPECT_EQ(GetErrorKind(status), ErrorKind::kInvalidArgument) << status;
  EXPECT_NE(status.message().find(message), std::string::npos) << status;
}

TEST(EpochSequence, TakesSplitsInTurns) {
  EXPECT_EQ(AllRows(Stored(8, 4)), (Rows{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(AllRows(Stored(5, 1)), (Rows{0, 1, 2, 3, 4}));
  EXPECT_EQ(Delivered(Stored(8, 4), {1, 2}), (Rows{2, 6, 3, 7}));
}

TEST(EpochSequence, LeavesOutTheSurplus) {
  const auto sequence = Stored(11, 4);
  EXPECT_EQ(sequence.size(), 8u);
  EXPECT_EQ(sequence.surplus(), 3u);
  EXPECT_EQ(sequence.SampleOf(7), 7u);
  EXPECT_EQ(sequence.SampleOf(8), std::nullopt);
}

TEST(EpochSequence, KnowsWhenARowComes) {
  for (uint64_t rows : {1u, 7u, 60u, 1000u}) {
    for (uint64_t splits : {1u, 3u, 7u}) {
      if (splits > rows) continue;
      const auto sequence = Sequence(rows, splits, {.seed = rows, .clump_size = 4});
      std::set<uint64_t> without;
      for (uint64_t row = 0; row < rows; ++row) {
        const auto sample = sequence.SampleOf(row);
        if (sample) {
          EXPECT_EQ(sequence.RowAt(*sample), row);
        } else {
          without.insert(row);
        }
      }
      EXPECT_EQ(without.size(), sequence.surplus());
    }
  }
}

TEST(EpochSequence, IsTheSameForEveryNumberOfReaders) {
  for (uint64_t splits : {1u, 2u, 6u, 48u, 60u}) {
    for (uint64_t rows : {splits, splits + 1, 5 * splits + 3, 11 * splits}) {
      for (uint64_t clump : {1u, 5u}) {
        ExpectElastic(Sequence(rows, splits, {.seed = rows, .epoch = 3, .clump_size = clump}));
      }
      ExpectElastic(Stored(rows, splits));
    }
  }
}

TEST(EpochSequence, RefusesWhatCannotBeShared) {
  ExpectInvalid(EpochSequence::Make(RowOrder::Stored(3), 4).status(), "at least 1 row per split");
  ExpectInvalid(EpochSequence::Make(RowOrder::Stored(0), 1).status(), "at least 1 row per split");
  ExpectInvalid(EpochSequence::Make(RowOrder::Stored(3), 0).status(), "num_splits must be");
  ExpectInvalid(CheckReader({0, 4}, 10), "num_splits (10) must be divisible by world_size (4)");
  ExpectInvalid(CheckReader({4, 4}, 8), "rank (4) must be less than world_size (4)");
  ExpectInvalid(CheckReader({0, 0}, 8), "world_size must be at least 1");
  EXPECT_TRUE(CheckReader({3, 4}, 8).ok());
}

TEST(EpochProgress, AfterSamplesIsWhereAnyNumberOfReadersCanGoOn) {
  for (uint64_t splits : {1u, 6u}) {
    const auto sequence = Sequence(40, splits);
    const Rows all = AllRows(sequence);
    for (uint64_t world_size : DivisorsOf(splits)) {
      for (uint64_t samples = 0; samples <= sequence.size(); samples += world_size) {
        const auto progress = EpochProgress::After(samples, splits);
        for (uint64_t rank = 0; rank < world_size; ++rank) {
          Rows expected;
          for (uint64_t g = samples + rank; g < sequence.size(); g += world_size)
            expected.push_back(all[g]);
          EXPECT_EQ(Delivered(sequence, {rank, world_size}, progress), expected)
              << rank << " of " << world_size << " after " << samples;
        }
      }
    }
  }
}

TEST(EpochProgress, OfOneReaderHasBoundsForTheOthers) {
  const EpochProgress all{{5, 4, 4, 4}, {7, 4, 5, 6}};
  EXPECT_EQ(all.KnownTo({0, 2}), (EpochProgress{{5, 4, 4, 4}, {7, 4, 5, 4}}));
  EXPECT_EQ(all.KnownTo({1, 2}), (EpochProgress{{4, 4, 4, 4}, {4, 4, 4, 6}}));
}

TEST(EpochProgress, OfAllReadersTogetherIsWhole) {
  const EpochProgress all{{5, 4, 4, 4}, {7, 4, 5, 6}};
  EpochProgress merged = all.KnownTo({0, 2});
  merged.Merge(all.KnownTo({1, 2}));
  EXPECT_EQ(merged, all);
}

TEST(Turns, ServeSplitsThatLagFirst) {
  Turns turns({1, 2}, std::vector<uint64_t>{0, 5, 0, 3, 0, 4});
  Rows splits;
  for (int i = 0; i < 9; ++i) splits.push_back(turns.Next());
  EXPECT_EQ(splits, (Rows{3, 3, 5, 1, 3, 5, 1, 3, 5}));
}

TEST(Turns, GoOnAsIfThereHadBeenNoInterruption) {
  const uint64_t kSplits = 6;
  for (uint64_t world_size : DivisorsOf(kSplits)) {
    for (uint64_t rank = 0; rank < world_size; ++rank) {
      const EpochReader reader{rank, world_size};
      std::vector<uint64_t> delivered(kSplits, 0);
      Turns uninterrupted(reader, delivered);
      for (int i = 0; i < 30; ++i) {
        Turns resumed(reader, delivered);
        const uint64_t split = uninterrupted.Next();
        EXPECT_EQ(resumed.Next(), split);
        ++delivered[split];
      }
    }
  }
}

TEST(Turns, SkipWholeRounds) {
  Turns turns({1, 2}, std::vector<uint64_t>{0, 1, 0, 2, 0, 2});
  EXPECT_FALSE(turns.AtRound());
  EXPECT_EQ(turns.Next(), 1u);
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(turns.AtRound());
    turns.SkipRounds(5);
    EXPECT_EQ(turns.Next(), 1u);
    EXPECT_FALSE(turns.AtRound());
    EXPECT_EQ(turns.Next(), 3u);
    EXPECT_EQ(turns.Next(), 5u);
  }
}

}  // namespace
}  // namespace pilum::order
