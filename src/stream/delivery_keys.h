// The rows of one reader's splits, in the order in which it delivers them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "order/epoch_sequence.h"

namespace pilum::stream {

/// Not thread-safe.
class DeliveryKeys {
 public:
  DeliveryKeys(order::EpochSequence sequence, const EpochReader& reader,
               const EpochProgress& start);

  /// Appends rows, at most `most`; none are left when it appends none.
  void Append(uint64_t most, std::vector<uint64_t>* rows);
  /// Leaves out the next rows, as many as there are of so many.
  void Skip(uint64_t count);

 private:
  /// A split and the next of its rows.
  struct Split {
    uint64_t place = 0;  ///< behind those in `rows`
    std::vector<uint64_t> rows;
    size_t next = 0;
  };
  /// False if there are no more.
  bool Refill(uint64_t number, Split* split) const;
  /// Whole rounds, as many as there are rows of at hand.
  uint64_t AppendRounds(uint64_t most, std::vector<uint64_t>* rows);

  order::EpochSequence sequence_;
  order::Turns turns_;
  std::vector<Split> splits_;  // those of other readers stay empty
  bool ended_ = false;
};

}  // namespace pilum::stream
