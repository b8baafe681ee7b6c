// RowIdList: row ids in some order. Kept as runs of consecutive ids while these are few, as they are
// in storage order, and one by one otherwise: 8 bytes a row at most, but for the first 16 kB.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace pilum::permutation {

/// Built by one thread, immutable and thread-safe afterwards.
class RowIdList {
 public:
  void Append(std::span<const uint64_t> ids) {
    for (uint64_t id : ids) Append(id);
  }
  void Append(uint64_t id);

  uint64_t size() const { return size_; }
  /// The id at `position` < size(). O(log runs).
  uint64_t at(uint64_t position) const;

 private:
  struct Run {
    uint64_t start;  // the position of its first id
    uint64_t first_id;
  };

  bool as_runs() const { return chunks_.empty(); }
  void AppendListed(uint64_t position, uint64_t id);
  void ListRuns();

  std::vector<Run> runs_;
  std::vector<std::unique_ptr<uint64_t[]>>
      chunks_;  // of equal size, so that growing copies nothing
  uint64_t size_ = 0;
};

}  // namespace pilum::permutation
