// Which rows, and the how manieth each of them is.
//
//   rows   2  3  7  8  9     the rank of row 7 is 2, the row of rank 4 is 9
//
// At most a bit and a little for each row of the table, much less where rows that are chosen, or
// left out, are few or next to each other: the containers of Roaring bitmaps (Lemire et al., 2018),
// whose bits are counted beforehand, as rows are asked for by their rank.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace pilum::rows {

/// An immutable value: cheap to copy, usable from any thread and in a forked child.
class RowSet {
 public:
  class Builder;

  /// Without rows.
  RowSet();

  uint64_t size() const;
  /// The row of `rank`, which must be less than size(). Time O(log of the blocks).
  uint64_t RowAt(uint64_t rank) const;
  /// The rank of `row`; nothing if it is not in the set.
  std::optional<uint64_t> RankOf(uint64_t row) const;
  size_t memory_bytes() const;

 private:
  struct Block;
  using Blocks = std::vector<Block>;
  explicit RowSet(std::shared_ptr<const Blocks> blocks) : blocks_(std::move(blocks)) {}

  std::shared_ptr<const Blocks> blocks_;
};

class RowSet::Builder {
 public:
  Builder();
  ~Builder();

  /// Adds rows, which ascend and come behind those added before.
  void Add(std::span<const uint64_t> rows);
  RowSet Finish();

 private:
  void FinishBlock();

  std::unique_ptr<Blocks> blocks_;
  uint64_t number_ = 0;            // of the block that is begun
  std::vector<uint16_t> offsets_;  // of its rows
};

}  // namespace pilum::rows
