#include "rows/row_set.h"

#include <algorithm>
#include <bit>
#include <ranges>
#include <utility>
#include <variant>

namespace pilum::rows {
namespace {

constexpr uint32_t kBlockBits = 16;
constexpr uint32_t kWords = (1u << kBlockBits) / 64;
constexpr uint32_t kWordsCounted = 8;  // together: 3 % more memory, few enough to count bits in

// The rows of a block, by their offset in it, as what takes the least memory.

struct List {
  std::vector<uint16_t> rows;

  uint32_t RowAt(uint32_t rank) const { return rows[rank]; }
  size_t memory_bytes() const { return rows.capacity() * sizeof(rows[0]); }
};

/// Of rows next to each other.
struct Runs {
  struct Run {
    uint16_t row;   // the first one
    uint16_t rank;  // of it
  };
  std::vector<Run> runs;

  uint32_t RowAt(uint32_t rank) const {
    const auto behind = std::ranges::upper_bound(runs, rank, {}, &Run::rank);
    return (behind - 1)->row + (rank - (behind - 1)->rank);
  }
  size_t memory_bytes() const { return runs.capacity() * sizeof(Run); }
};

struct Bits {
  std::vector<uint64_t> words = std::vector<uint64_t>(kWords);
  std::vector<uint16_t> ranks;  // of the first row in each kWordsCounted words

  uint32_t RowAt(uint32_t rank) const {
    const auto behind = std::ranges::upper_bound(ranks, rank);
    rank -= *(behind - 1);
    auto word = static_cast<uint32_t>(behind - 1 - ranks.begin()) * kWordsCounted;
    while (true) {
      const auto count = static_cast<uint32_t>(std::popcount(words[word]));
      if (rank < count) break;
      rank -= count;
      ++word;
    }
    uint64_t rest = words[word];
    for (; rank > 0; --rank) rest &= rest - 1;
    return word * 64 + static_cast<uint32_t>(std::countr_zero(rest));
  }
  size_t memory_bytes() const {
    return words.capacity() * sizeof(words[0]) + ranks.capacity() * sizeof(ranks[0]);
  }
};

using Form = std::variant<List, Runs, Bits>;

Runs MakeRuns(std::span<const uint16_t> rows, size_t count) {
  Runs runs;
  runs.runs.reserve(count);
  for (size_t i = 0; i < rows.size(); ++i)
    if (i == 0 || rows[i] != rows[i - 1] + 1) runs.runs.push_back({rows[i], uint16_t(i)});
  return runs;
}

Bits MakeBits(std::span<const uint16_t> rows) {
  Bits bits;
  for (uint16_t row : rows) bits.words[row / 64] |= uint64_t{1} << row % 64;
  bits.ranks.reserve(kWords / kWordsCounted);
  int rank = 0;
  for (uint32_t word = 0; word < kWords; ++word) {
    if (word % kWordsCounted == 0) bits.ranks.push_back(static_cast<uint16_t>(rank));
    rank += std::popcount(bits.words[word]);
  }
  return bits;
}

Form Smallest(std::span<const uint16_t> rows) {
  size_t runs = 1;
  for (size_t i = 1; i < rows.size(); ++i) runs += rows[i] != rows[i - 1] + 1;
  const size_t list_bytes = rows.size() * sizeof(uint16_t);
  const size_t runs_bytes = runs * sizeof(Runs::Run);
  const size_t bits_bytes = kWords * sizeof(uint64_t);
  if (runs_bytes < std::min(list_bytes, bits_bytes)) return MakeRuns(rows, runs);
  if (list_bytes < bits_bytes) return List{{rows.begin(), rows.end()}};
  return MakeBits(rows);
}

}  // namespace

/// The chosen rows of one stretch of 2^kBlockBits rows; stretches without any have no block.
struct RowSet::Block {
  uint64_t number;      // of the stretch
  uint64_t first_rank;  // of the first row in it
  uint32_t rows;
  Form form;

  uint64_t RowAt(uint32_t rank) const {
    return number << kBlockBits | std::visit([&](const auto& f) { return f.RowAt(rank); }, form);
  }
};

RowSet::RowSet() : blocks_(std::make_shared<const Blocks>()) {}

uint64_t RowSet::size() const {
  return blocks_->empty() ? 0 : blocks_->back().first_rank + blocks_->back().rows;
}

uint64_t RowSet::RowAt(uint64_t rank) const {
  const auto behind = std::ranges::upper_bound(*blocks_, rank, {}, &Block::first_rank);
  const Block& block = *(behind - 1);
  return block.RowAt(static_cast<uint32_t>(rank - block.first_rank));
}

std::optional<uint64_t> RowSet::RankOf(uint64_t row) const {
  const auto block = std::ranges::lower_bound(*blocks_, row >> kBlockBits, {}, &Block::number);
  if (block == blocks_->end()) return std::nullopt;
  const auto ranks = std::views::iota(uint32_t{0}, block->rows);
  const auto rank =
      std::ranges::lower_bound(ranks, row, {}, [&](uint32_t r) { return block->RowAt(r); });
  if (rank == ranks.end() || block->RowAt(*rank) != row) return std::nullopt;
  return block->first_rank + *rank;
}

size_t RowSet::memory_bytes() const {
  size_t bytes = blocks_->capacity() * sizeof(Block);
  for (const Block& block : *blocks_)
    bytes += std::visit([](const auto& form) { return form.memory_bytes(); }, block.form);
  return bytes;
}

RowSet::Builder::Builder() : blocks_(std::make_unique<Blocks>()) {}
RowSet::Builder::~Builder() = default;

void RowSet::Builder::Add(std::span<const uint64_t> rows) {
  while (!rows.empty()) {
    const uint64_t number = rows.front() >> kBlockBits;
    if (number != number_) FinishBlock();
    number_ = number;
    const auto end = std::ranges::lower_bound(rows, (number + 1) << kBlockBits);
    const auto count = static_cast<size_t>(end - rows.begin());
    std::ranges::transform(rows.first(count), std::back_inserter(offsets_),
                           [](uint64_t row) { return static_cast<uint16_t>(row); });
    rows = rows.subspan(count);
  }
}

void RowSet::Builder::FinishBlock() {
  if (offsets_.empty()) return;
  uint64_t first_rank = 0;
  if (!blocks_->empty()) first_rank = blocks_->back().first_rank + blocks_->back().rows;
  blocks_->push_back(
      {number_, first_rank, static_cast<uint32_t>(offsets_.size()), Smallest(offsets_)});
  offsets_.clear();
}

RowSet RowSet::Builder::Finish() {
  FinishBlock();
  blocks_->shrink_to_fit();
  return RowSet(std::shared_ptr<const Blocks>(std::move(blocks_)));
}

}  // namespace pilum::rows
