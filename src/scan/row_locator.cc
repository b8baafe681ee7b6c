#include "scan/row_locator.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pilum/error.h"
#include "rows/row_address.h"

namespace pilum::scan {
namespace {

using arrow::Result;
using arrow::Status;

/// A row wanted, and where it goes.
struct Wanted {
  uint64_t fragment;  // index in the manifest
  uint64_t row;       // physical
  int64_t slot;
};

Status NoSuchRow(const std::string& what) {
  return arrow::Status(arrow::StatusCode::IndexError, what,
                       std::make_shared<ErrorDetail>(ErrorKind::kInvalidArgument, ErrorWhere{}));
}

/// Finds rows by key. Keeps what it looked up last, since keys often come in bunches.
class Locator {
 public:
  explicit Locator(const DatasetReader& dataset) : dataset_(dataset) {}

  Result<Wanted> ByOffset(uint64_t offset) {
    if (offset >= dataset_.live_rows()) {
      return NoSuchRow("row " + std::to_string(offset) + " is out of range: the table has " +
                       std::to_string(dataset_.live_rows()) + " rows");
    }
    const auto& starts = dataset_.live_starts();
    const size_t fragment =
        static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), offset) -
                            starts.begin()) -
        1;
    ARROW_RETURN_NOT_OK(UseFragment(fragment));
    const uint64_t live = offset - starts[fragment];
    return Wanted{fragment, deletions_->empty() ? live : deletions_->LiveToPhysical(live), 0};
  }

  Result<Wanted> ByAddress(uint64_t address) {
    const auto fragment = dataset_.FragmentWithId(rows::FragmentOf(address));
    if (fragment) ARROW_RETURN_NOT_OK(UseFragment(*fragment));
    const uint32_t row = rows::OffsetOf(address);
    if (!fragment || row >= dataset_.fragment(*fragment).physical_rows ||
        deletions_->Contains(row)) {
      return NoSuchRow("there is no row with address " + std::to_string(address) + " (" +
                       rows::DescribeRowAddress(address) + "), or it is deleted");
    }
    return Wanted{*fragment, row, 0};
  }

  Result<Wanted> ById(uint64_t id) {
    if (!dataset_.manifest().stable_row_ids) return ByAddress(id);
    if (!row_ids_) {
      ARROW_ASSIGN_OR_RAISE(row_ids_, dataset_.IndexOfRowIds());
    }
    const auto address = row_ids_->Find(id);
    if (!address)
      return NoSuchRow("there is no row with id " + std::to_string(id) + ", or it is deleted");
    return ByAddress(*address);
  }

 private:
  Status UseFragment(size_t fragment) {
    if (deletions_ && fragment_ == fragment) return Status::OK();
    fragment_ = fragment;
    ARROW_ASSIGN_OR_RAISE(deletions_, dataset_.Deletions(fragment));
    return Status::OK();
  }

  const DatasetReader& dataset_;
  size_t fragment_ = 0;
  std::shared_ptr<const dataset::DeletionVector> deletions_;
  std::shared_ptr<const dataset::RowIdIndex> row_ids_;
};

RowSelection MakeSelection(std::vector<Wanted> wanted) {
  RowSelection selection;
  selection.num_rows = static_cast<int64_t>(wanted.size());
  const auto key = [](const Wanted& w) { return std::pair(w.fragment, w.row); };
  const auto before = [&](const Wanted& a, const Wanted& b) { return key(a) < key(b); };
  const bool sorted = std::is_sorted(wanted.begin(), wanted.end(), before);
  if (!sorted) std::sort(wanted.begin(), wanted.end(), before);
  selection.distinct =
      std::adjacent_find(wanted.begin(), wanted.end(), [&](const Wanted& a, const Wanted& b) {
        return key(a) == key(b);
      }) == wanted.end();
  selection.in_order = sorted && selection.distinct;
  for (const Wanted& row : wanted) {
    auto& fragments = selection.fragments;
    if (fragments.empty() || fragments.back().fragment != row.fragment)
      fragments.push_back({row.fragment, {}});
    std::vector<Run>& runs = fragments.back().runs;
    if (!runs.empty() && runs.back().row + runs.back().count == row.row &&
        runs.back().slot + runs.back().count == row.slot) {
      ++runs.back().count;
    } else {
      runs.push_back({row.row, 1, row.slot});
    }
  }
  return selection;
}

}  // namespace

Result<RowSelection> SelectRows(const DatasetReader& dataset, std::span<const uint64_t> keys,
                                RowKey kind) {
  Locator locator(dataset);
  std::vector<Wanted> wanted;
  wanted.reserve(keys.size());
  for (uint64_t key : keys) {
    Result<Wanted> row = kind == RowKey::kOffset  ? locator.ByOffset(key)
                         : kind == RowKey::kRowId ? locator.ById(key)
                                                  : locator.ByAddress(key);
    ARROW_RETURN_NOT_OK(row.status());
    row->slot = static_cast<int64_t>(wanted.size());
    wanted.push_back(*row);
  }
  return MakeSelection(std::move(wanted));
}

}  // namespace pilum::scan
