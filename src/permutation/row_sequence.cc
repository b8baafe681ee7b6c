#include <utility>

#include <arrow/array.h>

#include "permutation/row_id_list.h"
#include "pilum/error.h"
#include "pilum/permutation.h"

namespace pilum {

using arrow::Result;
using arrow::Status;

class RowSequence::RowIds : public permutation::RowIdList {};

namespace {

Status CheckColumns(const Snapshot& permutation) {
  for (const char* name : {"row_id", "split_id"}) {
    const auto field = permutation.schema()->GetFieldByName(name);
    if (field && field->type()->id() == arrow::Type::UINT64) continue;
    return MakeError(
        ErrorKind::kInvalidArgument,
        std::string("the table is no permutation: it has no column '") + name + "' of type uint64");
  }
  return Status::OK();
}

}  // namespace

RowSequence::RowSequence(RowOrder order) : rows_(std::move(order)) {}
RowSequence::RowSequence(std::shared_ptr<const RowIds> ids) : rows_(std::move(ids)) {}

Result<RowSequence> RowSequence::Load(const Snapshot& permutation,
                                      std::optional<uint64_t> split_id) {
  ARROW_RETURN_NOT_OK(CheckColumns(permutation));
  ScanOptions options{.columns = {.names = {{"row_id"}}}, .batch_size = 1 << 16};
  if (split_id) options.filter.push_back("split_id = " + std::to_string(*split_id));
  ARROW_ASSIGN_OR_RAISE(auto stream, permutation.Scan(options));
  auto ids = std::make_shared<RowIds>();
  ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const arrow::RecordBatch& batch) {
    const auto& column = static_cast<const arrow::UInt64Array&>(*batch.column(0));
    if (column.null_count() > 0)
      return MakeError(ErrorKind::kInvalidArgument,
                       "the table is no permutation: there are nulls in its column 'row_id'");
    ids->Append({column.raw_values(), static_cast<size_t>(column.length())});
    return Status::OK();
  }));
  return RowSequence(std::move(ids));
}

uint64_t RowSequence::size() const {
  if (const auto* order = std::get_if<RowOrder>(&rows_)) return order->size();
  return std::get<std::shared_ptr<const RowIds>>(rows_)->size();
}

Result<std::shared_ptr<arrow::RecordBatch>> RowSequence::Take(const Snapshot& snapshot,
                                                              std::span<const uint64_t> positions,
                                                              const Columns& columns) const {
  std::vector<uint64_t> keys(positions.begin(), positions.end());
  if (const auto* order = std::get_if<RowOrder>(&rows_)) {
    for (uint64_t& key : keys) key = order->RowAt(key);
    return snapshot.Take(keys, RowKey::kOffset, columns);
  }
  const auto& ids = *std::get<std::shared_ptr<const RowIds>>(rows_);
  for (uint64_t& key : keys) key = ids.at(key);
  return snapshot.Take(keys, RowKey::kRowId, columns);
}

}  // namespace pilum
