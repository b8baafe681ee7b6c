#include "table/lance_snapshot.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include <arrow/compute/api_vector.h>

#include "filter/filter.h"
#include "pilum/error.h"
#include "scan/take.h"
#include "scan/take_stream.h"
#include "table/inspect.h"
#include "table/verify.h"

namespace pilum::table {

using arrow::RecordBatch;
using arrow::Result;

namespace {

using Conditions = std::vector<std::shared_ptr<const filter::Expression>>;

// `status` with the number of the condition that it is about, where there are several.
arrow::Status InCondition(size_t index, size_t count, const arrow::Status& status) {
  if (status.ok() || count == 1) return status;
  return status.WithMessage("condition ", index + 1, ": ", status.message());
}

// The rows for which all conditions are TRUE.
Result<std::vector<uint32_t>> SelectAll(const Conditions& conditions, const RecordBatch& batch) {
  std::vector<uint32_t> rows;
  std::shared_ptr<RecordBatch> left = batch.Slice(0);
  for (size_t i = 0; i < conditions.size(); ++i) {
    auto kept = conditions[i]->Select(*left);
    ARROW_RETURN_NOT_OK(InCondition(i, conditions.size(), kept.status()));
    if (i > 0) {
      for (uint32_t& row : *kept) row = rows[row];
    }
    rows = *std::move(kept);
    const auto count = static_cast<int64_t>(rows.size());
    if (i + 1 == conditions.size() || count == left->num_rows()) continue;
    arrow::Datum positions(std::make_shared<arrow::UInt32Array>(count, arrow::Buffer::Wrap(rows)));
    ARROW_ASSIGN_OR_RAISE(arrow::Datum taken,
                          arrow::compute::Take(batch.Slice(0), positions,
                                               arrow::compute::TakeOptions::NoBoundsCheck()));
    left = taken.record_batch();
  }
  return rows;
}

class BoundScan final : public PreparedScan {
 public:
  explicit BoundScan(scan::ScanPlan plan) : plan_(std::move(plan)) {}

  const std::shared_ptr<arrow::Schema>& schema() const override { return plan_.schema; }
  Result<std::shared_ptr<BatchStream>> Run() const override { return scan::MakeScanStream(plan_); }
  Result<uint64_t> CountRows() const override { return scan::CountMatching(plan_); }

 private:
  scan::ScanPlan plan_;
};

}  // namespace

std::string LanceSnapshot::storage_version() const {
  switch (reader_->manifest().file_version) {
    case dataset::FileVersion::kV2_0:
      return "2.0";
    case dataset::FileVersion::kV2_1:
      return "2.1";
    case dataset::FileVersion::kV2_2:
      break;
  }
  return "2.2";
}

std::vector<FragmentInfo> LanceSnapshot::fragments() const {
  std::vector<FragmentInfo> infos;
  for (const auto& fragment : reader_->manifest().fragments) {
    FragmentInfo info{fragment.id, fragment.physical_rows, fragment.live_rows(), {}};
    for (const auto& file : fragment.files) info.files.push_back(file.path);
    infos.push_back(std::move(info));
  }
  return infos;
}

Result<std::optional<scan::RowFilter>> LanceSnapshot::MakeFilter(
    const std::vector<std::string>& conditions) const {
  if (conditions.empty()) return std::nullopt;
  Conditions bound;
  std::set<std::vector<std::string>> paths;
  for (size_t i = 0; i < conditions.size(); ++i) {
    auto expression = filter::Expression::ParsePredicate(conditions[i], *schema());
    ARROW_RETURN_NOT_OK(InCondition(i, conditions.size(), expression.status()));
    paths.insert((*expression)->columns().begin(), (*expression)->columns().end());
    bound.push_back(*std::move(expression));
  }
  ARROW_ASSIGN_OR_RAISE(
      auto projection,
      scan::Projection::MakePruned(reader_->manifest().schema, {paths.begin(), paths.end()}));
  scan::RowFilter filter;
  filter.projection = std::make_shared<scan::Projection>(std::move(projection));
  filter.select = [bound](const RecordBatch& batch) { return SelectAll(bound, batch); };
  return filter;
}

Result<LanceSnapshot::Output> LanceSnapshot::MakeOutput(const Columns& columns) const {
  const dataset::Schema& table_schema = reader_->manifest().schema;
  if (columns.names && !columns.expressions.empty()) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "columns are given both by name and as expressions");
  }
  Output output;
  if (columns.expressions.empty()) {
    ARROW_ASSIGN_OR_RAISE(scan::Projection projection,
                          columns.names ? scan::Projection::Make(table_schema, *columns.names)
                                        : scan::Projection::All(table_schema));
    if (columns.with_row_id) projection.AddRowColumn(scan::ProjectedColumn::Kind::kRowId);
    if (columns.with_row_address) projection.AddRowColumn(scan::ProjectedColumn::Kind::kRowAddress);
    output.schema = projection.schema;
    output.projection = std::make_shared<scan::Projection>(std::move(projection));
    return output;
  }
  auto expressions = columns.expressions;
  if (columns.with_row_id) expressions.emplace_back(scan::kRowId, scan::kRowId);
  if (columns.with_row_address) expressions.emplace_back(scan::kRowAddress, scan::kRowAddress);
  std::vector<std::shared_ptr<const filter::Expression>> bound;
  std::set<std::vector<std::string>> paths;
  arrow::FieldVector fields;
  for (const auto& [name, sql] : expressions) {
    ARROW_ASSIGN_OR_RAISE(auto expression, filter::Expression::ParseValue(sql, *schema()));
    paths.insert(expression->columns().begin(), expression->columns().end());
    fields.push_back(arrow::field(name, expression->type()));
    bound.push_back(std::move(expression));
  }
  ARROW_ASSIGN_OR_RAISE(auto projection,
                        scan::Projection::MakePruned(table_schema, {paths.begin(), paths.end()}));
  output.projection = std::make_shared<scan::Projection>(std::move(projection));
  output.schema = arrow::schema(std::move(fields), schema()->metadata());
  output.finish =
      [bound, schema = output.schema](
          const std::shared_ptr<RecordBatch>& batch) -> Result<std::shared_ptr<RecordBatch>> {
    std::vector<std::shared_ptr<arrow::Array>> values;
    for (const auto& expression : bound) {
      ARROW_ASSIGN_OR_RAISE(auto array, expression->Evaluate(*batch));
      values.push_back(std::move(array));
    }
    return RecordBatch::Make(schema, batch->num_rows(), std::move(values));
  };
  return output;
}

Result<std::vector<size_t>> LanceSnapshot::FindFragments(
    const std::optional<std::vector<uint64_t>>& ids) const {
  std::vector<size_t> fragments(reader_->num_fragments());
  std::iota(fragments.begin(), fragments.end(), size_t{0});
  if (!ids) return fragments;
  for (uint64_t id : *ids) {
    if (id > UINT32_MAX || !reader_->FragmentWithId(static_cast<uint32_t>(id))) {
      return MakeError(ErrorKind::kInvalidArgument, "there is no fragment " + std::to_string(id) +
                                                        " in version " + std::to_string(version()));
    }
  }
  std::erase_if(fragments, [&](size_t i) {
    return std::find(ids->begin(), ids->end(), reader_->fragment(i).id) == ids->end();
  });
  return fragments;
}

Result<std::shared_ptr<const PreparedScan>> LanceSnapshot::Prepare(
    const ScanOptions& options) const {
  if (options.batch_size < 0) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "batch_size must be positive, not " + std::to_string(options.batch_size));
  }
  ARROW_ASSIGN_OR_RAISE(Output output, MakeOutput(options.columns));
  scan::ScanPlan plan;
  plan.dataset = reader_;
  plan.projection = std::move(output.projection);
  plan.finish = std::move(output.finish);
  plan.schema = std::move(output.schema);
  ARROW_ASSIGN_OR_RAISE(plan.filter, MakeFilter(options.filter));
  ARROW_ASSIGN_OR_RAISE(plan.fragments, FindFragments(options.fragments));
  plan.offset = options.offset;
  plan.limit = options.limit;
  plan.batch_size = options.batch_size;
  plan.readahead_bytes = options.readahead_bytes;
  return std::make_shared<BoundScan>(std::move(plan));
}

Result<std::shared_ptr<RecordBatch>> LanceSnapshot::Take(std::span<const uint64_t> keys, RowKey key,
                                                         const Columns& columns) const {
  ARROW_ASSIGN_OR_RAISE(Output output, MakeOutput(columns));
  ARROW_ASSIGN_OR_RAISE(auto batch, scan::TakeRows(reader_, output.projection, keys, key));
  return output.finish ? output.finish(std::move(batch)) : batch;
}

Result<std::shared_ptr<BatchStream>> LanceSnapshot::TakeAhead(RowKeys keys,
                                                              const TakeOptions& options) const {
  ARROW_ASSIGN_OR_RAISE(Output output, MakeOutput(options.columns));
  return scan::MakeTakeStream({.dataset = reader_,
                               .projection = std::move(output.projection),
                               .finish = std::move(output.finish),
                               .schema = std::move(output.schema),
                               .key = options.key,
                               .keys = std::move(keys),
                               .readahead_bytes = options.readahead_bytes,
                               .readahead_rows = options.readahead_rows,
                               .rows_together = options.rows_together,
                               .counters = options.counters});
}

Result<std::vector<ColumnReport>> LanceSnapshot::Inspect() const {
  return InspectColumns(*reader_);
}

Result<VerifyReport> LanceSnapshot::Verify(const VerifyProgress& progress) const {
  return VerifyVersion(reader_, progress);
}

}  // namespace pilum::table
