#include "pilum/order.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <variant>

#include "order/divisor.h"
#include "order/feistel.h"
#include "order/fisher_yates.h"
#include "pilum/error.h"

namespace pilum {
namespace {

using order::Division;
using order::Divisor;
using order::Feistel;
using order::FisherYates;
using Shuffle = std::variant<FisherYates, Feistel>;

// Frozen, as it decides which order a table gets. A Feistel network of few numbers favours some of
// their orders.
constexpr uint64_t kLeastComputed = 1 << 16;

Shuffle MakeShuffle(uint64_t size, const ShuffleOptions& options) {
  const uint64_t key = order::ShuffleKey(options.seed, options.epoch, size);
  if (size < kLeastComputed) return FisherYates(size, key);
  return Feistel(size, key);
}

}  // namespace

// Clumps of g rows, shuffled. The last clump may be short, and comes anywhere:
//
//   clump       | 4         | 0         | 6   | 2         | 5         ...
//   position    0           g          2g     gap_begin_
//
// It is treated as a full one with a gap behind its rows: every clump then begins at a multiple of
// g, where positions from gap_begin_ on are gap_ further.
class RowOrder::Clumps {
 public:
  Clumps(uint64_t rows, const ShuffleOptions& options)
      : clump_size_(options.clump_size),
        shuffle_(MakeShuffle((rows - 1) / options.clump_size + 1, options)) {
    const uint64_t last = (rows - 1) / options.clump_size;
    const uint64_t last_size = rows - last * options.clump_size;
    gap_begin_ = ClumpPosition(last) * options.clump_size + last_size;
    gap_ = options.clump_size - last_size;
  }

  uint64_t RowAt(uint64_t position) const {
    const auto [clump, offset] = Place(position);
    return ClumpAt(clump) * clump_size_.value() + offset;
  }

  uint64_t PositionOf(uint64_t row) const {
    auto [clump, offset] = clump_size_.Divide(row);
    const uint64_t position = ClumpPosition(clump) * clump_size_.value() + offset;
    // A product, as no processor could predict the branch.
    return position - (position >= gap_begin_) * gap_;
  }

  void Fill(uint64_t first, std::span<uint64_t> rows) const {
    if (clump_size_.value() == 1) {
      std::visit([&](const auto& shuffle) { shuffle.Fill(first, rows); }, shuffle_);
      return;
    }
    // Ends of clumps are found from positions, not from rows: the next clump need not wait for
    // them.
    while (!rows.empty()) {
      const auto [clump, offset] = Place(first);
      uint64_t count = std::min(clump_size_.value() - offset, uint64_t{rows.size()});
      if (first < gap_begin_) count = std::min(count, gap_begin_ - first);
      const uint64_t row = ClumpAt(clump) * clump_size_.value() + offset;
      std::iota(rows.begin(), rows.begin() + static_cast<ptrdiff_t>(count), row);
      rows = rows.subspan(count);
      first += count;
    }
  }

 private:
  /// Which of the clumps, in shuffled order, has the position, and where in it.
  Division Place(uint64_t position) const {
    return clump_size_.Divide(position + (position >= gap_begin_) * gap_);
  }
  uint64_t ClumpAt(uint64_t position) const {
    return std::visit([&](const auto& shuffle) { return shuffle.At(position); }, shuffle_);
  }
  uint64_t ClumpPosition(uint64_t clump) const {
    return std::visit([&](const auto& shuffle) { return shuffle.PositionOf(clump); }, shuffle_);
  }

  Divisor clump_size_;
  Shuffle shuffle_;     // of clump numbers
  uint64_t gap_begin_;  // a position
  uint64_t gap_;        // rows that the last clump lacks
};

RowOrder::RowOrder(uint64_t rows, std::shared_ptr<const Clumps> clumps)
    : rows_(rows), clumps_(std::move(clumps)) {}

RowOrder RowOrder::Stored(uint64_t rows) { return {rows, nullptr}; }

arrow::Result<RowOrder> RowOrder::Shuffled(uint64_t rows, const ShuffleOptions& options) {
  if (options.clump_size == 0) {
    return MakeError(ErrorKind::kInvalidArgument, "a clump size of 0: it must be at least 1");
  }
  if (rows > kMaxOrderedRows) {
    return MakeError(ErrorKind::kInvalidArgument,
                     std::to_string(rows) + " rows cannot be shuffled: at most 2^63 can");
  }
  if (options.clump_size >= rows) return Stored(rows);
  return RowOrder(rows, std::make_shared<const Clumps>(rows, options));
}

uint64_t RowOrder::RowAt(uint64_t position) const {
  return clumps_ ? clumps_->RowAt(position) : position;
}

uint64_t RowOrder::PositionOf(uint64_t row) const {
  return clumps_ ? clumps_->PositionOf(row) : row;
}

void RowOrder::Fill(uint64_t first, std::span<uint64_t> rows) const {
  if (clumps_) {
    clumps_->Fill(first, rows);
  } else {
    std::iota(rows.begin(), rows.end(), first);
  }
}

}  // namespace pilum
