#include "permutation/split_rows.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/compute/cast.h>

#include "permutation/value_hash.h"
#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::permutation {
namespace {

using arrow::Result;
using arrow::Status;

constexpr char kRowId[] = "_rowid";
constexpr char kSplit[] = "split_id";
constexpr int64_t kManyRows = 1 << 16;    // of row ids alone
constexpr uint64_t kReadAhead = 2 << 20;  // bytes: row ids cost little to read

Status Invalid(const std::string& message) {
  return MakeError(ErrorKind::kInvalidArgument, message);
}

std::span<const uint64_t> RowIdsOf(const arrow::RecordBatch& batch) {
  const auto& ids = static_cast<const arrow::UInt64Array&>(*batch.GetColumnByName(kRowId));
  return {ids.raw_values(), static_cast<size_t>(ids.length())};
}

ScanOptions ScanOf(const PermutationOptions& options, Columns columns) {
  ScanOptions scan{.columns = std::move(columns), .readahead_bytes = kReadAhead};
  if (options.filter) scan.filter.push_back(*options.filter);
  return scan;
}

/// All rows that pass the filter.
Result<std::shared_ptr<const RowIdList>> ReadRowIds(const Snapshot& snapshot,
                                                    const PermutationOptions& options) {
  ScanOptions scan = ScanOf(options, {.names = {{kRowId}}});
  scan.batch_size = kManyRows;
  ARROW_ASSIGN_OR_RAISE(auto stream, snapshot.Scan(scan));
  auto ids = std::make_shared<RowIdList>();
  ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const arrow::RecordBatch& batch) {
    ids->Append(RowIdsOf(batch));
    return Status::OK();
  }));
  return ids;
}

struct SizesOf {
  uint64_t rows;

  Result<std::vector<uint64_t>> operator()(const EqualSplits& splits) const {
    return EqualSplitSizes(rows, splits.count);
  }
  Result<std::vector<uint64_t>> operator()(const SplitCounts& splits) const {
    return SplitSizesByCounts(rows, splits.counts);
  }
  Result<std::vector<uint64_t>> operator()(const SplitRatios& splits) const {
    return SplitSizesByRatios(rows, splits.ratios);
  }
};

std::vector<SplitRows> Cut(const std::shared_ptr<const RowIdList>& ids, const RowOrder& order,
                           const std::vector<uint64_t>& sizes) {
  std::vector<SplitRows> splits;
  uint64_t first = 0;
  for (uint64_t size : sizes) {
    splits.push_back({splits.size(), ids, order, first, size});
    first += size;
  }
  return splits;
}

std::vector<SplitRows> AsTheyAre(std::map<uint64_t, std::shared_ptr<RowIdList>> lists) {
  std::vector<SplitRows> splits;
  for (auto& [split, ids] : lists) {
    const uint64_t size = ids->size();
    splits.push_back({split, std::move(ids), RowOrder::Stored(size), 0, size});
  }
  return splits;
}

/// Which split a hash falls to.
class Buckets {
 public:
  static constexpr uint64_t kDiscarded = UINT64_MAX;

  static Result<Buckets> Make(const HashSplits& options) {
    if (options.columns.empty()) return Invalid("columns must name at least one column to hash");
    if (options.weights.empty()) return Invalid("split_weights must have at least one weight");
    if (options.discard_weight < 0)
      return Invalid("discard_weight must not be negative, but is " +
                     std::to_string(options.discard_weight));
    Buckets buckets;
    buckets.total_ = static_cast<uint64_t>(options.discard_weight);
    for (size_t i = 0; i < options.weights.size(); ++i) {
      const int64_t weight = options.weights[i];
      if (weight <= 0)
        return Invalid("split_weights must be positive, but weight " + std::to_string(i) + " is " +
                       std::to_string(weight));
      buckets.total_ += static_cast<uint64_t>(weight);
      if (buckets.total_ > INT64_MAX) return Invalid("split_weights sum to more than 2^63 - 1");
      buckets.ends_.push_back((buckets.ends_.empty() ? 0 : buckets.ends_.back()) +
                              static_cast<uint64_t>(weight));
    }
    return buckets;
  }

  uint64_t SplitOf(uint64_t hash) const {
    const uint64_t bucket = hash % total_;
    const auto end = std::upper_bound(ends_.begin(), ends_.end(), bucket);
    return end == ends_.end() ? kDiscarded : static_cast<uint64_t>(end - ends_.begin());
  }

 private:
  std::vector<uint64_t> ends_;  // of the buckets of each split
  uint64_t total_ = 0;
};

/// Of the columns to hash, in their order, and row ids.
Result<std::shared_ptr<const PreparedScan>> PrepareHashScan(const Snapshot& snapshot,
                                                            const PermutationOptions& options,
                                                            std::vector<std::string> columns) {
  if (std::find(columns.begin(), columns.end(), kRowId) == columns.end()) columns.push_back(kRowId);
  ARROW_ASSIGN_OR_RAISE(auto scan,
                        snapshot.Prepare(ScanOf(options, {.names = std::move(columns)})));
  for (const auto& field : scan->schema()->fields()) {
    if (!IsHashable(*field->type()))
      return Invalid("column '" + field->name() + "' of type " + field->type()->ToString() +
                     " cannot decide about splits: numbers, booleans, times, text and bytes can");
  }
  return scan;
}

// Splits by what the rows hold. Each split has a list of its own.
struct FindSplits {
  const Snapshot& snapshot;
  const PermutationOptions& options;

  Result<std::vector<SplitRows>> operator()(std::monostate) const {
    ARROW_ASSIGN_OR_RAISE(auto ids, ReadRowIds(snapshot, options));
    return Cut(ids, RowOrder::Stored(ids->size()), {ids->size()});
  }

  Result<std::vector<SplitRows>> operator()(const SequentialSplits& splits) const {
    ARROW_ASSIGN_OR_RAISE(auto ids, ReadRowIds(snapshot, options));
    ARROW_ASSIGN_OR_RAISE(auto sizes, std::visit(SizesOf{ids->size()}, splits.sizes));
    return Cut(ids, RowOrder::Stored(ids->size()), sizes);
  }

  Result<std::vector<SplitRows>> operator()(const RandomSplits& splits) const {
    ARROW_ASSIGN_OR_RAISE(auto ids, ReadRowIds(snapshot, options));
    ARROW_ASSIGN_OR_RAISE(auto sizes, std::visit(SizesOf{ids->size()}, splits.sizes));
    ARROW_ASSIGN_OR_RAISE(auto order, RowOrder::Shuffled(ids->size(), splits.shuffle));
    return Cut(ids, order, sizes);
  }

  Result<std::vector<SplitRows>> operator()(const HashSplits& splits) const {
    ARROW_ASSIGN_OR_RAISE(const auto buckets, Buckets::Make(splits));
    ARROW_ASSIGN_OR_RAISE(auto scan, PrepareHashScan(snapshot, options, splits.columns));
    std::map<uint64_t, std::shared_ptr<RowIdList>> lists;
    for (size_t split = 0; split < splits.weights.size(); ++split)
      lists[split] = std::make_shared<RowIdList>();
    uint64_t rows = 0;
    ARROW_ASSIGN_OR_RAISE(auto stream, scan->Run());
    ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const arrow::RecordBatch& batch) {
      std::vector<uint64_t> hashes(static_cast<size_t>(batch.num_rows()), 0);
      for (size_t column = 0; column < splits.columns.size(); ++column)
        ARROW_RETURN_NOT_OK(CombineHashes(batch.column(static_cast<int>(column)), hashes));
      const auto ids = RowIdsOf(batch);
      for (size_t i = 0; i < ids.size(); ++i) {
        const uint64_t split = buckets.SplitOf(hashes[i]);
        if (split != Buckets::kDiscarded) lists[split]->Append(ids[i]);
      }
      rows += ids.size();
      return Status::OK();
    }));
    if (rows == 0) return Invalid("there are no rows to split");
    return AsTheyAre(std::move(lists));
  }

  Result<std::vector<SplitRows>> operator()(const CalculatedSplits& splits) const {
    const Columns columns{.expressions = {{kSplit, splits.expression}, {kRowId, kRowId}}};
    ARROW_ASSIGN_OR_RAISE(auto scan, snapshot.Prepare(ScanOf(options, columns)));
    const auto& type = scan->schema()->field(0)->type();
    if (!arrow::is_integer(type->id()))
      return Invalid("the number of a split must be an integer, but '" + splits.expression +
                     "' is " + type->ToString());
    std::map<uint64_t, std::shared_ptr<RowIdList>> lists;
    ARROW_ASSIGN_OR_RAISE(auto stream, scan->Run());
    ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const arrow::RecordBatch& batch) {
      return AddCalculated(splits.expression, batch, &lists);
    }));
    if (lists.empty()) return Invalid("there are no rows to split");
    return AsTheyAre(std::move(lists));
  }

  static Status AddCalculated(const std::string& expression, const arrow::RecordBatch& batch,
                              std::map<uint64_t, std::shared_ptr<RowIdList>>* lists) {
    const auto ids = RowIdsOf(batch);
    const auto numbers = arrow::compute::Cast(*batch.column(0), arrow::int64());
    if (!numbers.ok()) return Invalid("'" + expression + "': " + numbers.status().message());
    const auto& splits = static_cast<const arrow::Int64Array&>(**numbers);
    for (size_t i = 0; i < ids.size(); ++i) {
      const auto row = static_cast<int64_t>(i);
      if (splits.IsNull(row) || splits.Value(row) < 0)
        return Invalid("'" + expression + "' is " +
                       (splits.IsNull(row) ? "null" : std::to_string(splits.Value(row))) +
                       " for the row with id " + std::to_string(ids[i]) +
                       ": the number of a split is 0 or more");
      auto& list = (*lists)[static_cast<uint64_t>(splits.Value(row))];
      if (!list) list = std::make_shared<RowIdList>();
      list->Append(ids[i]);
    }
    return Status::OK();
  }
};

}  // namespace

Result<std::vector<SplitRows>> FindSplitRows(const Snapshot& snapshot,
                                             const PermutationOptions& options) {
  return std::visit(FindSplits{snapshot, options}, options.splits);
}

}  // namespace pilum::permutation
