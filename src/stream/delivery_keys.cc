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
  split->rows.resize(std::min(kRowsAtOnce, sequence_.rows_per_split() - split->place));
  sequence_.FillSplit(number, split->place, split->rows);
  split->place += split->rows.size();
  split->next = 0;
  return !split->rows.empty();
}

void DeliveryKeys::Append(uint64_t most, std::vector<uint64_t>* rows) {
  for (; most > 0 && !ended_; --most) {
    const uint64_t number = turns_.Next();
    Split& split = splits_[number];
    if (split.next == split.rows.size() && !Refill(number, &split)) {
      ended_ = true;
    } else {
      rows->push_back(split.rows[split.next++]);
    }
  }
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
