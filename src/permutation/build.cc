#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/util/key_value_metadata.h>
#include <nlohmann/json.hpp>

#include "permutation/split_rows.h"
#include "pilum/error.h"
#include "pilum/permutation.h"
#include "pilum/runtime.h"

namespace pilum {
namespace {

using arrow::Result;
using arrow::Status;
using permutation::SplitRows;

constexpr uint64_t kBatchRows = 1 << 16;

/// Another order for each split; the first has that of the options as they are.
ShuffleOptions ShuffleOf(ShuffleOptions options, uint64_t split_id) {
  options.epoch ^= split_id * 0x9E3779B97F4A7C15;
  return options;
}

/// Rows are put in order while they are read.
class PermutationReader final : public arrow::RecordBatchReader {
 public:
  struct Split {
    SplitRows rows;
    std::optional<RowOrder> shuffle;
  };

  PermutationReader(std::vector<Split> splits, std::shared_ptr<arrow::Schema> schema)
      : splits_(std::move(splits)), schema_(std::move(schema)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    out->reset();
    while (split_ < splits_.size() && next_ == splits_[split_].rows.size) {
      ++split_;
      next_ = 0;
    }
    if (split_ == splits_.size()) return Status::OK();
    const Split& split = splits_[split_];
    const uint64_t count = std::min(kBatchRows, split.rows.size - next_);
    ARROW_ASSIGN_OR_RAISE(auto ids, Allocate(count));
    FillIds(split, {ids->mutable_data_as<uint64_t>(), count});
    ARROW_ASSIGN_OR_RAISE(auto numbers, Allocate(count));
    std::fill_n(numbers->mutable_data_as<uint64_t>(), count, split.rows.split_id);
    next_ += count;
    const auto rows = static_cast<int64_t>(count);
    *out = arrow::RecordBatch::Make(schema_, rows, {Column(rows, ids), Column(rows, numbers)});
    return Status::OK();
  }

 private:
  static Result<std::shared_ptr<arrow::Buffer>> Allocate(uint64_t count) {
    return arrow::AllocateBuffer(static_cast<int64_t>(count * sizeof(uint64_t)), GetMemoryPool());
  }
  static std::shared_ptr<arrow::Array> Column(int64_t rows,
                                              const std::shared_ptr<arrow::Buffer>& buffer) {
    return std::make_shared<arrow::UInt64Array>(rows, buffer);
  }

  void FillIds(const Split& split, std::span<uint64_t> ids) const {
    const SplitRows& rows = split.rows;
    if (split.shuffle) {
      split.shuffle->Fill(next_, ids);
      for (uint64_t& id : ids) id = rows.order.RowAt(rows.first + id);
    } else {
      rows.order.Fill(rows.first + next_, ids);
    }
    for (uint64_t& id : ids) id = rows.ids->at(id);
  }

  const std::vector<Split> splits_;
  const std::shared_ptr<arrow::Schema> schema_;
  size_t split_ = 0;   // that comes next
  uint64_t next_ = 0;  // row of it
};

std::shared_ptr<arrow::Schema> SchemaOf(const Snapshot& snapshot,
                                        const std::vector<std::string>& split_names) {
  auto metadata = arrow::key_value_metadata({{"base_version", std::to_string(snapshot.version())}});
  if (!split_names.empty()) metadata->Append("split_names", nlohmann::json(split_names).dump());
  return arrow::schema({arrow::field("row_id", arrow::uint64()),
                        arrow::field("split_id", arrow::uint64(), /*nullable=*/false)},
                       std::move(metadata));
}

Status CheckNames(const std::vector<std::string>& names, const std::vector<SplitRows>& splits,
                  bool calculated) {
  if (names.empty()) return Status::OK();
  if (std::set<std::string>(names.begin(), names.end()).size() != names.size())
    return MakeError(ErrorKind::kInvalidArgument, "split_names has a name twice");
  const uint64_t needed = splits.empty() ? 0 : splits.back().split_id + 1;
  if (needed == names.size() || (calculated && needed < names.size())) return Status::OK();
  return MakeError(ErrorKind::kInvalidArgument, "split_names has " + std::to_string(names.size()) +
                                                    " names for " + std::to_string(needed) +
                                                    " splits");
}

}  // namespace

Result<std::shared_ptr<arrow::RecordBatchReader>> BuildPermutation(
    const Snapshot& snapshot, const PermutationOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto found, permutation::FindSplitRows(snapshot, options));
  ARROW_RETURN_NOT_OK(CheckNames(options.split_names, found,
                                 std::holds_alternative<CalculatedSplits>(options.splits)));
  std::vector<PermutationReader::Split> splits;
  for (SplitRows& rows : found) {
    std::optional<RowOrder> shuffle;
    if (options.shuffle) {
      ARROW_ASSIGN_OR_RAISE(
          shuffle, RowOrder::Shuffled(rows.size, ShuffleOf(*options.shuffle, rows.split_id)));
    }
    splits.push_back({std::move(rows), std::move(shuffle)});
  }
  return std::make_shared<PermutationReader>(std::move(splits),
                                             SchemaOf(snapshot, options.split_names));
}

}  // namespace pilum
