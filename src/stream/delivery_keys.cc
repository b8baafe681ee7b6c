#include "stream/delivery_keys.h"

#include <algorithm>
#include <utility>

namespace pilum::stream {
namespace {

// Positions are shuffled faster together than one by one.
constexpr uint64_t kRowsAtOnce = 256;

}  // namespace

DeliveryKeys::DeliveryKeys(order::EpochSequence sequence, const EpochReader& reader,
                           const EpochProgress& start)
    : sequence_(std::move(sequence)),
      turns_(reader, start.samples),
      splits_(sequence_.num_splits()) {
  for (size_t i = 0; i < splits_.size(); ++i) splits_[i].place = start.places[i];
}

bool DeliveryKeys::Refill(uint64_t number, Split* split) const {
  if (split->next < split->rows.size()) return true;
  split->rows.resize(std::min(kRowsAtOnce, sequence_.rows_per_split() - split->place));
  sequence_.FillSplit(number, split->place, split->rows);
  split->place += split->rows.size();
  split->next = 0;
  return !split->rows.empty();
}

void DeliveryKeys::Append(uint64_t most, std::vector<uint64_t>* rows) {
  while (most > 0 && !ended_) {
    if (const uint64_t appended = turns_.AtRound() ? AppendRounds(most, rows) : 0) {
      most -= appended;
      continue;
    }
    const uint64_t number = turns_.Next();
    Split& split = splits_[number];
    ended_ = !Refill(number, &split);
    if (ended_) return;
    rows->push_back(split.rows[split.next++]);
    --most;
  }
}

uint64_t DeliveryKeys::AppendRounds(uint64_t most, std::vector<uint64_t>* rows) {
  const size_t own = turns_.num_splits();
  uint64_t rounds = most / own;
  for (size_t i = 0; i < own && rounds > 0; ++i) {
    Split& split = splits_[turns_.split(i)];
    if (!Refill(turns_.split(i), &split)) return 0;
    rounds = std::min<uint64_t>(rounds, split.rows.size() - split.next);
  }
  const size_t first = rows->size();
  rows->resize(first + rounds * own);
  for (size_t i = 0; i < own; ++i) {
    Split& split = splits_[turns_.split(i)];
    for (uint64_t k = 0; k < rounds; ++k) (*rows)[first + k * own + i] = split.rows[split.next++];
  }
  turns_.SkipRounds(rounds);
  return rounds * own;
}

void DeliveryKeys::Skip(uint64_t count) {
  for (; count > 0 && !ended_; --count) {
    Split& split = splits_[turns_.Next()];
    if (split.next < split.rows.size()) {
      ++split.next;
    } else if (split.place < sequence_.rows_per_split()) {
      ++split.place;
    } else {
      ended_ = true;
    }
  }
}

}  // namespace pilum::stream
