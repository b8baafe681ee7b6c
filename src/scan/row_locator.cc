#include "scan/row_locator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "pilum/error.h"
#include "rows/row_address.h"

namespace pilum::scan {
namespace {

using arrow::Result;
using arrow::Status;

/// A row wanted, by a key that is in the order of rows, and where it goes.
struct Wanted {
  uint64_t key;
  int64_t slot;
};

/// The rows of a fragment: their addresses, or the offsets of those that live.
struct FragmentKeys {
  size_t fragment;  ///< index in the manifest
  uint64_t first;
  uint64_t count;
  std::shared_ptr<const dataset::DeletionVector> deletions;

  bool Has(const Wanted& row) const { return row.key - first < count; }
};

Status NoSuchRow(const std::string& what) {
  return arrow::Status(arrow::StatusCode::IndexError, what,
                       std::make_shared<ErrorDetail>(ErrorKind::kInvalidArgument, ErrorWhere{}));
}

Status NoSuchAddress(uint64_t address) {
  return NoSuchRow("there is no row with address " + std::to_string(address) + " (" +
                   rows::DescribeRowAddress(address) + "), or it is deleted");
}

Result<std::vector<Wanted>> WantRows(const DatasetReader& dataset, std::span<const uint64_t> keys,
                                     RowKey kind) {
  std::shared_ptr<const dataset::RowIdIndex> row_ids;
  if (kind == RowKey::kRowId && dataset.manifest().stable_row_ids) {
    ARROW_ASSIGN_OR_RAISE(row_ids, dataset.IndexOfRowIds());
  }
  std::vector<Wanted> wanted;
  wanted.reserve(keys.size());
  for (uint64_t key : keys) {
    const auto address = row_ids ? row_ids->Find(key) : key;
    if (!address)
      return NoSuchRow("there is no row with id " + std::to_string(key) + ", or it is deleted");
    wanted.push_back({*address, static_cast<int64_t>(wanted.size())});
  }
  return wanted;
}

// Comparing thousands of keys in random order takes several times as long as two or three passes
// over their digits.
void SortByKey(std::vector<Wanted>* wanted) {
  constexpr unsigned kDigitBits = 11;
  constexpr size_t kDigits = 1 << kDigitBits;
  if (wanted->size() < kDigits) {
    std::sort(wanted->begin(), wanted->end(),
              [](const Wanted& a, const Wanted& b) { return a.key < b.key; });
    return;
  }
  uint64_t differing = 0;
  for (const Wanted& row : *wanted) differing |= row.key ^ wanted->front().key;
  std::vector<Wanted> sorted(wanted->size());
  for (unsigned shift = 0; shift < std::bit_width(differing); shift += kDigitBits) {
    const auto digit = [&](const Wanted& row) { return row.key >> shift & (kDigits - 1); };
    std::array<size_t, kDigits> next = {};
    for (const Wanted& row : *wanted) ++next[digit(row)];
    std::exclusive_scan(next.begin(), next.end(), next.begin(), size_t{0});
    for (const Wanted& row : *wanted) sorted[next[digit(row)]++] = row;
    wanted->swap(sorted);
  }
}

Result<FragmentKeys> FragmentOfOffset(const DatasetReader& dataset, uint64_t offset) {
  if (offset >= dataset.live_rows()) {
    return NoSuchRow("row " + std::to_string(offset) + " is out of range: the table has " +
                     std::to_string(dataset.live_rows()) + " rows");
  }
  const auto& starts = dataset.live_starts();
  const auto end = std::upper_bound(starts.begin(), starts.end(), offset);
  const auto fragment = static_cast<size_t>(end - starts.begin()) - 1;
  ARROW_ASSIGN_OR_RAISE(auto deletions, dataset.Deletions(fragment));
  return FragmentKeys{fragment, *(end - 1), *end - *(end - 1), std::move(deletions)};
}

Result<FragmentKeys> FragmentOfAddress(const DatasetReader& dataset, uint64_t address) {
  const auto fragment = dataset.FragmentWithId(rows::FragmentOf(address));
  if (!fragment || rows::OffsetOf(address) >= dataset.fragment(*fragment).physical_rows)
    return NoSuchAddress(address);
  ARROW_ASSIGN_OR_RAISE(auto deletions, dataset.Deletions(*fragment));
  return FragmentKeys{*fragment, address - rows::OffsetOf(address),
                      dataset.fragment(*fragment).physical_rows, std::move(deletions)};
}

Result<FragmentKeys> FragmentOf(const DatasetReader& dataset, uint64_t key, RowKey kind) {
  return kind == RowKey::kOffset ? FragmentOfOffset(dataset, key) : FragmentOfAddress(dataset, key);
}

Status CheckAlive(const FragmentKeys& fragment, std::span<const Wanted> wanted) {
  if (fragment.deletions->empty()) return Status::OK();
  for (const Wanted& row : wanted) {
    if (fragment.deletions->Contains(rows::OffsetOf(row.key))) return NoSuchAddress(row.key);
  }
  return Status::OK();
}

/// The physical rows that `row_of` says, joined where they and their slots are consecutive.
template <typename RowOf>
std::vector<Run> MakeRuns(std::span<const Wanted> wanted, const RowOf& row_of) {
  std::vector<Run> runs;
  for (const Wanted& next : wanted) {
    const uint64_t row = row_of(next.key);
    if (!runs.empty() && runs.back().row + runs.back().count == row &&
        runs.back().slot + runs.back().count == next.slot) {
      ++runs.back().count;
    } else {
      runs.push_back({row, 1, next.slot});
    }
  }
  return runs;
}

Result<std::vector<Run>> RunsOf(const FragmentKeys& fragment, std::span<const Wanted> wanted,
                                RowKey kind) {
  const auto nth = [&](uint64_t key) { return key - fragment.first; };
  if (kind != RowKey::kOffset) {
    ARROW_RETURN_NOT_OK(CheckAlive(fragment, wanted));
  } else if (!fragment.deletions->empty()) {
    return MakeRuns(wanted,
                    [&](uint64_t key) { return fragment.deletions->LiveToPhysical(nth(key)); });
  }
  return MakeRuns(wanted, nth);
}

}  // namespace

Result<RowSelection> SelectRows(const DatasetReader& dataset, std::span<const uint64_t> keys,
                                RowKey kind) {
  ARROW_ASSIGN_OR_RAISE(std::vector<Wanted> wanted, WantRows(dataset, keys, kind));
  const auto before = [](const Wanted& a, const Wanted& b) { return a.key < b.key; };
  const auto same = [](const Wanted& a, const Wanted& b) { return a.key == b.key; };
  const bool sorted = std::is_sorted(wanted.begin(), wanted.end(), before);
  if (!sorted) SortByKey(&wanted);
  RowSelection selection;
  selection.num_rows = static_cast<int64_t>(wanted.size());
  selection.distinct = std::adjacent_find(wanted.begin(), wanted.end(), same) == wanted.end();
  selection.in_order = sorted && selection.distinct;
  for (std::span<const Wanted> left = wanted; !left.empty();) {
    ARROW_ASSIGN_OR_RAISE(const FragmentKeys fragment, FragmentOf(dataset, left[0].key, kind));
    const auto end = std::partition_point(left.begin(), left.end(),
                                          [&](const Wanted& row) { return fragment.Has(row); });
    const auto count = static_cast<size_t>(end - left.begin());
    ARROW_ASSIGN_OR_RAISE(auto runs, RunsOf(fragment, left.first(count), kind));
    selection.fragments.push_back({fragment.fragment, std::move(runs)});
    left = left.subspan(count);
  }
  return selection;
}

}  // namespace pilum::scan
