#include "scan/scan_stream.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/util/byte_size.h>

#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/runtime.h"
#include "scan/batch_read.h"
#include "scan/live_rows.h"
#include "scan/row_size.h"
#include "scan/stream_task.h"

namespace pilum::scan {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;

constexpr uint64_t kCountingBatchRows = 65536;
// A filter may keep all rows of a unit that is cut by the filter's columns alone. Up to so many
// units of the other columns are read at once, then piece by piece.
constexpr uint64_t kMostPiecesAtOnce = 2;
// Each row that a filter keeps is a number and a run of its own, 28 bytes, however small its columns.
constexpr uint64_t kMostFilteredRows = 1 << 18;

/// Live rows [first, first + count) of a fragment.
struct Unit {
  size_t fragment = 0;
  uint64_t first = 0;
  uint64_t count = 0;
  uint64_t piece_rows = 0;  ///< of those that the filter keeps, how many to read at a time
};

/// Rows that a filter has kept, and what was read of them already.
struct Piece {
  std::vector<Run> runs;
  std::shared_ptr<RecordBatch> kept;  ///< the columns that the filter shares with the result
};

/// The result's columns by where they come from when there is a filter.
struct FilteredColumns {
  std::vector<int> reused;  ///< per projected column: where it is in the filter's batch, or -1
  std::shared_ptr<const Projection> rest;  ///< those that are not there
};

FilteredColumns SplitColumns(const Projection& wanted, const Projection& filter) {
  FilteredColumns columns;
  auto rest = std::make_shared<Projection>();
  arrow::FieldVector rest_fields;
  for (size_t i = 0; i < wanted.columns.size(); ++i) {
    const auto& field = wanted.schema->field(static_cast<int>(i));
    int reused = -1;
    for (size_t j = 0; j < filter.columns.size() && wanted.columns[i].child_path.empty(); ++j) {
      if (filter.columns[j].name == wanted.columns[i].name &&
          field->type()->Equals(*filter.schema->field(static_cast<int>(j))->type())) {
        reused = static_cast<int>(j);
      }
    }
    columns.reused.push_back(reused);
    if (reused >= 0) continue;
    rest->columns.push_back(wanted.columns[i]);
    rest_fields.push_back(field);
  }
  rest->schema = arrow::schema(std::move(rest_fields));
  columns.rest = std::move(rest);
  return columns;
}

/// Rows and bytes that a task has read, for the sizes of those to come.
struct ReadAmount {
  uint64_t rows = 0;
  uint64_t bytes = 0;
};

ReadAmount AmountOf(const RecordBatch& batch) {
  return {static_cast<uint64_t>(batch.num_rows()),
          static_cast<uint64_t>(arrow::util::TotalBufferSize(batch))};
}

/// A unit or a piece of one on its way.
class UnitTask final : public StreamTask {
 public:
  UnitTask(std::shared_ptr<const ScanPlan> plan, std::shared_ptr<const FilteredColumns> filtered,
           std::shared_ptr<Exchange> exchange, Unit unit, int64_t priority)
      : StreamTask(std::move(exchange), priority),
        plan_(std::move(plan)),
        filtered_(std::move(filtered)),
        unit_(unit) {}

  size_t fragment() const { return unit_.fragment; }

  /// The task for a piece of this task's unit.
  std::shared_ptr<UnitTask> ForPiece(Piece piece) const {
    auto task = std::make_shared<UnitTask>(plan_, filtered_, exchange(), unit_, priority());
    task->piece_ = std::move(piece);
    return task;
  }

  // Results.
  std::shared_ptr<RecordBatch> batch;  // null: no rows
  std::vector<Piece> pieces;           // to be read by tasks of their own, in place of a batch
  ReadAmount filter_read;
  ReadAmount columns_read;

 private:
  enum class Phase { kBegin, kFilter, kColumns };

  Result<bool> Advance() override;
  Status Begin();
  Status Read(std::shared_ptr<const Projection> projection, std::vector<Run> runs);
  Result<std::vector<Piece>> ApplyFilter(const RecordBatch& batch);
  Result<std::shared_ptr<RecordBatch>> KeepShared(const RecordBatch& batch,
                                                  const std::vector<uint32_t>& selected);
  std::shared_ptr<RecordBatch> Combine(const RecordBatch& rest) const;

  std::shared_ptr<const ScanPlan> plan_;
  std::shared_ptr<const FilteredColumns> filtered_;  // null without a filter
  Unit unit_;
  Phase phase_ = Phase::kBegin;
  std::optional<Piece> piece_;
  std::vector<Run> runs_;
  std::unique_ptr<BatchRead> read_;
};

Status UnitTask::Read(std::shared_ptr<const Projection> projection, std::vector<Run> runs) {
  RowSelection rows;
  for (const Run& run : runs) rows.num_rows += run.count;
  rows.fragments.push_back({unit_.fragment, std::move(runs)});
  ARROW_ASSIGN_OR_RAISE(read_,
                        BatchRead::Make(plan_->dataset, std::move(projection), std::move(rows)));
  return Status::OK();
}

Status UnitTask::Begin() {
  if (piece_) {
    phase_ = Phase::kColumns;
    return Read(filtered_->rest, piece_->runs);
  }
  ARROW_ASSIGN_OR_RAISE(auto deletions, plan_->dataset->Deletions(unit_.fragment));
  runs_ = LiveRuns(*deletions, unit_.first, unit_.count);
  phase_ = filtered_ ? Phase::kFilter : Phase::kColumns;
  return Read(filtered_ ? plan_->filter->projection : plan_->projection, runs_);
}

// The columns of the filter's batch that are wanted, of the rows that are.
Result<std::shared_ptr<RecordBatch>> UnitTask::KeepShared(const RecordBatch& batch,
                                                          const std::vector<uint32_t>& selected) {
  const auto n = static_cast<int64_t>(selected.size());
  const arrow::Datum positions(
      std::make_shared<arrow::UInt32Array>(n, arrow::Buffer::Wrap(selected)));
  std::vector<std::shared_ptr<arrow::Array>> columns;
  arrow::FieldVector fields;
  for (int reused : filtered_->reused) {
    if (reused < 0) continue;
    auto column = batch.column(reused);
    if (n < batch.num_rows()) {
      ARROW_ASSIGN_OR_RAISE(
          arrow::Datum taken,
          arrow::compute::Take(column, positions, arrow::compute::TakeOptions::NoBoundsCheck()));
      column = taken.make_array();
    }
    columns.push_back(std::move(column));
    fields.push_back(batch.schema()->field(reused));
  }
  return RecordBatch::Make(arrow::schema(std::move(fields)), n, std::move(columns));
}

Result<std::vector<Piece>> UnitTask::ApplyFilter(const RecordBatch& batch) {
  filter_read = AmountOf(batch);
  ARROW_ASSIGN_OR_RAISE(const std::vector<uint32_t> selected, plan_->filter->select(batch));
  std::vector<Piece> pieces;
  if (selected.empty()) return pieces;
  ARROW_ASSIGN_OR_RAISE(auto kept, KeepShared(batch, selected));
  const size_t rows =
      selected.size() <= kMostPiecesAtOnce * unit_.piece_rows ? selected.size() : unit_.piece_rows;
  for (size_t first = 0; first < selected.size(); first += rows) {
    const size_t count = std::min(rows, selected.size() - first);
    pieces.push_back({SelectRuns(runs_, std::span(selected).subspan(first, count)),
                      kept->Slice(static_cast<int64_t>(first), static_cast<int64_t>(count))});
  }
  return pieces;
}

std::shared_ptr<RecordBatch> UnitTask::Combine(const RecordBatch& rest) const {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  int next_kept = 0;
  int next_rest = 0;
  for (int reused : filtered_->reused) {
    columns.push_back(reused >= 0 ? piece_->kept->column(next_kept++) : rest.column(next_rest++));
  }
  return RecordBatch::Make(plan_->projection->schema, rest.num_rows(), std::move(columns));
}

Result<bool> UnitTask::Advance() {
  if (phase_ == Phase::kBegin) ARROW_RETURN_NOT_OK(Begin());
  while (true) {
    ARROW_ASSIGN_OR_RAISE(auto rows, Continue(read_.get()));
    if (!rows) return false;
    read_.reset();  // with what the rows were decoded from
    if (phase_ == Phase::kFilter) {
      ARROW_ASSIGN_OR_RAISE(pieces, ApplyFilter(*rows));
      if (pieces.size() != 1) return true;
      piece_ = std::move(pieces.front());
      pieces.clear();
      ARROW_RETURN_NOT_OK(Begin());
      continue;
    }
    columns_read = AmountOf(*rows);
    if (filtered_) rows = Combine(*rows);
    if (plan_->finish) {
      ARROW_ASSIGN_OR_RAISE(rows, plan_->finish(std::move(rows)));
    }
    batch = std::move(rows);
    return true;
  }
}

class ScanStream final : public BatchStream {
 public:
  explicit ScanStream(ScanPlan plan)
      : plan_(std::make_shared<const ScanPlan>(std::move(plan))),
        columns_(SizeOf(*plan_->projection), plan_->unit_bytes, BatchRows()),
        skip_(plan_->offset),
        left_(plan_->limit.value_or(UINT64_MAX)) {
    if (plan_->filter) {
      filtered_ = std::make_shared<const FilteredColumns>(
          SplitColumns(*plan_->projection, *plan_->filter->projection));
      filter_.emplace(SizeOf(*plan_->filter->projection), plan_->unit_bytes);
    } else {
      SkipUnits();
    }
    Fill();
  }

  std::shared_ptr<arrow::Schema> schema() const override { return plan_->schema; }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (left_ > 0 && !current_ && failure_.ok() && !tasks_.empty()) {
      if (!tasks_.WaitUntil(until)) return false;
      failure_ = TakeFront();  // which may have no rows to deliver, and then the next one counts
    }
    return true;
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    while (left_ > 0) {
      ARROW_RETURN_NOT_OK(failure_);
      if (!current_) {
        if (tasks_.empty()) return Status::OK();
        failure_ = TakeFront();
        continue;
      }
      const int64_t rows = std::min(batch_rows_, current_->num_rows() - position_);
      *out = rows == current_->num_rows() ? current_ : current_->Slice(position_, rows);
      position_ += rows;
      left_ -= static_cast<uint64_t>(rows);
      if (position_ >= current_->num_rows()) current_.reset();
      return Status::OK();
    }
    Stop();
    return Status::OK();
  }

  Status Close() override {
    Stop();
    return Status::OK();
  }

 private:
  uint64_t BatchRows() const {
    return static_cast<uint64_t>(std::max<int64_t>(0, plan_->batch_size));
  }

  RowSize SizeOf(const Projection& projection) const {
    if (plan_->fragments.empty()) return {};
    return EstimateRowSize(*plan_->dataset, projection, plan_->fragments.front());
  }

  void Stop() {
    tasks_.Cancel();
    current_.reset();
    left_ = 0;
  }

  // Without a filter, rows to skip need not be read at all, nor those after the limit.
  void SkipUnits() {
    while (fragment_ < plan_->fragments.size()) {
      const uint64_t live = plan_->dataset->fragment(plan_->fragments[fragment_]).live_rows();
      if (skip_ < live) break;
      skip_ -= live;
      ++fragment_;
    }
    next_row_ = skip_;
    skip_ = 0;
    unread_ = left_;
  }

  // How many tasks may be under way: as many as the read-ahead holds, if all cores have work.
  size_t Window() const {
    const size_t most = 2 * static_cast<size_t>(runtime::Runtime::Get().options().cpu_threads) + 1;
    return std::clamp<uint64_t>(plan_->readahead_bytes / std::max(unit_bytes_, plan_->unit_bytes),
                                1, most);
  }

  Unit NextUnit(size_t fragment) {
    Unit unit{.fragment = fragment, .first = next_row_};
    unit.piece_rows = columns_.UnitRows(*plan_->dataset, *plan_->projection, fragment);
    unit_bytes_ = unit.piece_rows * columns_.row_bytes();
    unit.count = unit.piece_rows;
    if (filter_) {
      unit.count =
          std::min(kMostFilteredRows,
                   filter_->UnitRows(*plan_->dataset, *plan_->filter->projection, fragment));
      unit_bytes_ = kMostPiecesAtOnce * unit_bytes_ + unit.count * filter_->row_bytes();
    }
    return unit;
  }

  void Fill() {
    while (tasks_.size() < Window() && fragment_ < plan_->fragments.size() && unread_ > 0) {
      const size_t fragment = plan_->fragments[fragment_];
      const uint64_t live = plan_->dataset->fragment(fragment).live_rows();
      if (next_row_ >= live) {
        ++fragment_;
        next_row_ = 0;
        continue;
      }
      Unit unit = NextUnit(fragment);
      unit.count = std::min({unit.count, live - next_row_, unread_});
      next_row_ += unit.count;
      if (unread_ != UINT64_MAX) unread_ -= unit.count;
      tasks_.PushBack(
          std::make_shared<UnitTask>(plan_, filtered_, tasks_.exchange(), unit, sequence_++));
    }
    const size_t ready = std::min(Window(), tasks_.size());
    for (size_t i = 0; i < ready; ++i) {
      if (!tasks_[i].started()) tasks_[i].Start();
    }
  }

  Status TakeFront() {
    const std::shared_ptr<UnitTask> front = tasks_.Take();
    if (!front->status.ok()) {
      tasks_.Cancel();
      return WithContext(front->status, {.version = plan_->dataset->manifest().version});
    }
    columns_.Observe(front->fragment(), front->columns_read.rows, front->columns_read.bytes);
    if (filter_)
      filter_->Observe(front->fragment(), front->filter_read.rows, front->filter_read.bytes);
    for (auto piece = front->pieces.rbegin(); piece != front->pieces.rend(); ++piece)
      tasks_.PushFront(front->ForPiece(std::move(*piece)));
    if (front->batch) Deliver(*front->batch);
    Fill();
    return Status::OK();
  }

  void Deliver(const RecordBatch& batch) {
    const uint64_t rows = static_cast<uint64_t>(batch.num_rows());
    const uint64_t skipped = std::min(skip_, rows);
    skip_ -= skipped;
    const uint64_t kept = std::min(rows - skipped, left_);
    if (kept == 0) return;
    current_ = batch.Slice(static_cast<int64_t>(skipped), static_cast<int64_t>(kept));
    position_ = 0;
    batch_rows_ = static_cast<int64_t>(BatchRows() > 0 ? BatchRows()
                                                       : DefaultBatchRows(columns_.row_bytes()));
  }

  std::shared_ptr<const ScanPlan> plan_;
  std::shared_ptr<const FilteredColumns> filtered_;
  UnitSizer columns_;
  std::optional<UnitSizer> filter_;
  uint64_t unit_bytes_ = 0;       // of the unit begun last
  uint64_t skip_;                 // matching rows still to be dropped
  uint64_t left_;                 // rows still to be delivered
  uint64_t unread_ = UINT64_MAX;  // rows still to be read, if known
  size_t fragment_ = 0;           // next unit
  uint64_t next_row_ = 0;
  int64_t sequence_ = 0;
  TaskQueue<UnitTask> tasks_;
  std::shared_ptr<RecordBatch> current_;
  int64_t position_ = 0;
  int64_t batch_rows_ = 0;  // of the batches that current_ is cut into
  Status failure_;          // of the unit whose turn it is; every further call repeats it
};

}  // namespace

Result<std::shared_ptr<BatchStream>> MakeScanStream(ScanPlan plan) {
  return std::make_shared<ScanStream>(std::move(plan));
}

Result<uint64_t> CountMatching(ScanPlan plan) {
  if (!plan.filter) {
    uint64_t live = 0;
    for (size_t fragment : plan.fragments) live += plan.dataset->fragment(fragment).live_rows();
    return std::min(live - std::min(live, plan.offset), plan.limit.value_or(live));
  }
  plan.projection = std::make_shared<Projection>(Projection{{}, arrow::schema({})});
  plan.schema = plan.projection->schema;
  plan.batch_size = kCountingBatchRows;
  ARROW_ASSIGN_OR_RAISE(auto stream, MakeScanStream(std::move(plan)));
  uint64_t rows = 0;
  ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const RecordBatch& batch) {
    rows += static_cast<uint64_t>(batch.num_rows());
    return Status::OK();
  }));
  return rows;
}

}  // namespace pilum::scan
