#include "dataset/row_id_index.h"

#include <algorithm>
#include <string>

#include "bytes/byte_reader.h"
#include "rows/row_address.h"

namespace pilum::dataset {

void RowIdIndex::AddFragment(const FragmentRows& fragment) {
  const std::span<const uint32_t> deleted =
      fragment.deleted ? fragment.deleted->offsets() : std::span<const uint32_t>();
  size_t next_deleted = 0;
  // Adds the rows [row, end), which have consecutive ids and are all live.
  auto add = [&](uint64_t row, uint64_t end, uint64_t id) {
    if (row == end) return;
    uint64_t address = rows::MakeRowAddress(fragment.fragment_id, static_cast<uint32_t>(row));
    runs_.push_back({id, address, end - row});
  };
  fragment.ids->ForEachRun([&](uint64_t start, uint64_t first_id, uint64_t count) {
    uint64_t row = start;
    while (next_deleted < deleted.size() && deleted[next_deleted] < start + count) {
      add(row, deleted[next_deleted], first_id + (row - start));
      row = uint64_t{deleted[next_deleted++]} + 1;
    }
    add(row, start + count, first_id + (row - start));
  });
}

arrow::Status RowIdIndex::SortRuns() {
  std::sort(runs_.begin(), runs_.end(),
            [](const Run& a, const Run& b) { return a.first_id < b.first_id; });
  size_t last = 0;
  for (size_t i = 1; i < runs_.size(); ++i) {
    Run& before = runs_[last];
    const Run& run = runs_[i];
    if (run.first_id - before.first_id < before.count) {
      return bytes::Corrupt(
          "row id " + std::to_string(run.first_id) + " belongs to two rows, " +
          rows::DescribeRowAddress(before.address + (run.first_id - before.first_id)) + " and " +
          rows::DescribeRowAddress(run.address));
    }
    if (run.first_id == before.first_id + before.count &&
        run.address == before.address + before.count) {
      before.count += run.count;
    } else {
      runs_[++last] = run;
    }
  }
  if (!runs_.empty()) runs_.resize(last + 1);
  runs_.shrink_to_fit();
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<const RowIdIndex>> RowIdIndex::Make(
    std::span<const FragmentRows> fragments) {
  auto index = std::make_shared<RowIdIndex>();
  for (const FragmentRows& fragment : fragments) index->AddFragment(fragment);
  ARROW_RETURN_NOT_OK(index->SortRuns());
  return index;
}

std::optional<uint64_t> RowIdIndex::Find(uint64_t id) const {
  auto after =
      std::upper_bound(runs_.begin(), runs_.end(), id,
                       [](uint64_t wanted, const Run& run) { return wanted < run.first_id; });
  if (after == runs_.begin()) return std::nullopt;
  const Run& run = *std::prev(after);
  if (id - run.first_id >= run.count) return std::nullopt;
  return run.address + (id - run.first_id);
}

}  // namespace pilum::dataset
