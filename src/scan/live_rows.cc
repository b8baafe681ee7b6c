#include "scan/live_rows.h"

#include <algorithm>

namespace pilum::scan {
namespace {

void Append(std::vector<Run>* runs, uint64_t row, uint64_t count, int64_t slot) {
  if (!runs->empty() && runs->back().row + runs->back().count == row) {
    runs->back().count += static_cast<uint32_t>(count);
  } else if (count > 0) {
    runs->push_back({row, static_cast<uint32_t>(count), slot});
  }
}

}  // namespace

std::vector<Run> LiveRuns(const dataset::DeletionVector& deletions, uint64_t first,
                          uint64_t count) {
  std::vector<Run> runs;
  if (count == 0) return runs;
  uint64_t row = deletions.empty() ? first : deletions.LiveToPhysical(first);
  const auto deleted = deletions.offsets();
  auto next = std::lower_bound(deleted.begin(), deleted.end(), row);
  int64_t slot = 0;
  while (count > 0) {
    const uint64_t until_deleted = next == deleted.end() ? count : *next - row;
    const uint64_t take = std::min(count, until_deleted);
    Append(&runs, row, take, slot);
    count -= take;
    slot += static_cast<int64_t>(take);
    row += take;
    if (count > 0) {
      ++row;  // the deleted row
      ++next;
    }
  }
  return runs;
}

std::vector<Run> SelectRuns(std::span<const Run> runs, std::span<const uint32_t> positions) {
  std::vector<Run> selected;
  auto run = runs.begin();
  int64_t slot = 0;
  for (uint32_t position : positions) {
    while (position >= run->slot + run->count) ++run;
    Append(&selected, run->row + static_cast<uint64_t>(position - run->slot), 1, slot++);
  }
  return selected;
}

}  // namespace pilum::scan
