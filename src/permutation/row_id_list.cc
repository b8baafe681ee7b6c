#include "permutation/row_id_list.h"

#include <algorithm>

namespace pilum::permutation {
namespace {

constexpr uint64_t kChunk = 1 << 16;  // ids
constexpr size_t kFewRuns = 1024;
constexpr uint64_t kLongRun = 16;  // ids: shorter runs save little, and looking for one takes long

}  // namespace

void RowIdList::Append(uint64_t id) {
  if (!as_runs()) {
    AppendListed(size_++, id);
    return;
  }
  const bool consecutive =
      !runs_.empty() && runs_.back().first_id + (size_ - runs_.back().start) == id;
  if (!consecutive) runs_.push_back({size_, id});
  ++size_;
  if (runs_.size() > kFewRuns && runs_.size() > size_ / kLongRun) ListRuns();
}

uint64_t RowIdList::at(uint64_t position) const {
  if (!as_runs()) return chunks_[position / kChunk][position % kChunk];
  auto behind = std::upper_bound(runs_.begin(), runs_.end(), position,
                                 [](uint64_t at, const Run& run) { return at < run.start; });
  const Run& run = *(behind - 1);
  return run.first_id + (position - run.start);
}

void RowIdList::AppendListed(uint64_t position, uint64_t id) {
  if (position % kChunk == 0) chunks_.push_back(std::make_unique_for_overwrite<uint64_t[]>(kChunk));
  chunks_.back()[position % kChunk] = id;
}

void RowIdList::ListRuns() {
  for (size_t i = 0; i < runs_.size(); ++i) {
    const uint64_t end = i + 1 < runs_.size() ? runs_[i + 1].start : size_;
    for (uint64_t at = runs_[i].start; at < end; ++at)
      AppendListed(at, runs_[i].first_id + (at - runs_[i].start));
  }
  runs_ = {};
}

}  // namespace pilum::permutation
