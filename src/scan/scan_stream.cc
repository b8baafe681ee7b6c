#include "scan/scan_stream.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include "pilum/error.h"
#include "runtime/runtime.h"
#include "scan/batch_read.h"
#include "scan/live_rows.h"
#include "scan/row_size.h"

namespace pilum::scan {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;

constexpr int64_t kDefaultBatchRows = 8192;
constexpr uint64_t kDefaultBatchBytes = 4 << 20;
// Large enough to make reads sequential, small enough that what one thread decodes stays in its
// cache.
constexpr uint64_t kUnitBytes = 2 << 20;

/// Live rows [first, first + count) of a fragment.
struct Unit {
  size_t fragment = 0;
  uint64_t first = 0;
  uint64_t count = 0;
};

/// What producers and the consumer share.
struct Exchange {
  std::mutex mutex;
  std::condition_variable changed;
  bool cancelled = false;
};

/// One unit on its way. `done` and `batch` are guarded by the exchange's mutex.
class UnitTask : public std::enable_shared_from_this<UnitTask> {
 public:
  UnitTask(std::shared_ptr<const ScanPlan> plan, std::shared_ptr<Exchange> exchange, Unit unit,
           int64_t priority)
      : plan_(std::move(plan)), exchange_(std::move(exchange)), unit_(unit), priority_(priority) {}

  void Start() { Post(); }

  bool done = false;
  Result<std::shared_ptr<RecordBatch>> batch = Status::Cancelled("the scan was stopped");

 private:
  void Post() {
    runtime::Runtime::Get().cpu().Submit(priority_,
                                         [self = shared_from_this()] { self->Continue(); });
  }

  void Complete(Result<std::shared_ptr<RecordBatch>> result) {
    read_.reset();
    std::lock_guard<std::mutex> lock(exchange_->mutex);
    batch = std::move(result);
    done = true;
    exchange_->changed.notify_all();
  }

  void Continue() {
    {
      std::lock_guard<std::mutex> lock(exchange_->mutex);
      if (exchange_->cancelled) {
        done = true;
        return;
      }
    }
    auto finished = Advance();
    if (!finished.ok()) return Complete(finished.status());
    if (*finished) Complete(std::move(result_));
  }

  // Goes as far as possible without waiting; false if reads are under way that will post this
  // again.
  Result<bool> Advance();
  Status Begin();
  Status ApplyFilter(std::shared_ptr<RecordBatch> filter_batch);
  Result<std::shared_ptr<RecordBatch>> Combine(std::shared_ptr<RecordBatch> rest);

  enum class Phase { kBegin, kFilter, kColumns };

  std::shared_ptr<const ScanPlan> plan_;
  std::shared_ptr<Exchange> exchange_;
  Unit unit_;
  int64_t priority_;
  Phase phase_ = Phase::kBegin;
  std::vector<Run> runs_;
  std::unique_ptr<BatchRead> read_;
  std::vector<uint32_t> selected_;
  std::shared_ptr<RecordBatch> filter_batch_;
  std::vector<int> reused_;  // per projected column: where it is in the filter's batch, or -1
  std::shared_ptr<RecordBatch> result_;
};

Status UnitTask::Begin() {
  ARROW_ASSIGN_OR_RAISE(auto deletions, plan_->dataset->Deletions(unit_.fragment));
  runs_ = LiveRuns(*deletions, unit_.first, unit_.count);
  RowSelection rows;
  rows.fragments.push_back({unit_.fragment, runs_});
  rows.num_rows = static_cast<int64_t>(unit_.count);
  phase_ = plan_->filter ? Phase::kFilter : Phase::kColumns;
  ARROW_ASSIGN_OR_RAISE(
      read_,
      BatchRead::Make(plan_->dataset, plan_->filter ? plan_->filter->projection : plan_->projection,
                      std::move(rows)));
  return Status::OK();
}

Status UnitTask::ApplyFilter(std::shared_ptr<RecordBatch> filter_batch) {
  ARROW_ASSIGN_OR_RAISE(selected_, plan_->filter->select(*filter_batch));
  filter_batch_ = std::move(filter_batch);
  auto rest = std::make_shared<Projection>();
  arrow::FieldVector rest_fields;
  const auto& wanted = plan_->projection->columns;
  for (size_t i = 0; i < wanted.size(); ++i) {
    int reused = -1;
    const auto& have = plan_->filter->projection->columns;
    for (size_t j = 0; j < have.size() && wanted[i].child_path.empty(); ++j) {
      if (have[j].name == wanted[i].name &&
          plan_->projection->schema->field(static_cast<int>(i))
              ->type()
              ->Equals(*plan_->filter->projection->schema->field(static_cast<int>(j))->type())) {
        reused = static_cast<int>(j);
      }
    }
    reused_.push_back(reused);
    if (reused >= 0) continue;
    rest->columns.push_back(wanted[i]);
    rest_fields.push_back(plan_->projection->schema->field(static_cast<int>(i)));
  }
  rest->schema = arrow::schema(std::move(rest_fields));
  RowSelection rows;
  rows.fragments.push_back({unit_.fragment, SelectRuns(runs_, selected_)});
  rows.num_rows = static_cast<int64_t>(selected_.size());
  phase_ = Phase::kColumns;
  ARROW_ASSIGN_OR_RAISE(read_, BatchRead::Make(plan_->dataset, std::move(rest), std::move(rows)));
  return Status::OK();
}

Result<std::shared_ptr<RecordBatch>> UnitTask::Combine(std::shared_ptr<RecordBatch> rest) {
  if (!filter_batch_) return rest;
  const bool all = static_cast<int64_t>(selected_.size()) == filter_batch_->num_rows();
  arrow::UInt32Array positions(static_cast<int64_t>(selected_.size()),
                               arrow::Buffer::Wrap(selected_));
  std::vector<std::shared_ptr<arrow::Array>> columns;
  int next_rest = 0;
  for (int reused : reused_) {
    if (reused < 0) {
      columns.push_back(rest->column(next_rest++));
    } else if (all) {
      columns.push_back(filter_batch_->column(reused));
    } else {
      ARROW_ASSIGN_OR_RAISE(arrow::Datum taken,
                            arrow::compute::Take(filter_batch_->column(reused), positions.Slice(0),
                                                 arrow::compute::TakeOptions::NoBoundsCheck()));
      columns.push_back(taken.make_array());
    }
  }
  return RecordBatch::Make(plan_->projection->schema, static_cast<int64_t>(selected_.size()),
                           std::move(columns));
}

Result<bool> UnitTask::Advance() {
  if (phase_ == Phase::kBegin) ARROW_RETURN_NOT_OK(Begin());
  while (true) {
    auto fetch = std::make_shared<io::Fetch>();
    ARROW_ASSIGN_OR_RAISE(bool wants, read_->Step(fetch));
    if (wants) {
      fetch->RunAsync(priority_, [self = shared_from_this(), fetch](const Status& status) {
        if (!status.ok()) return self->Complete(status);
        self->Post();
      });
      return false;
    }
    ARROW_ASSIGN_OR_RAISE(auto batch, read_->Finish());
    if (phase_ == Phase::kFilter) {
      ARROW_RETURN_NOT_OK(ApplyFilter(std::move(batch)));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(result_, Combine(std::move(batch)));
    filter_batch_.reset();
    if (plan_->finish) {
      ARROW_ASSIGN_OR_RAISE(result_, plan_->finish(std::move(result_)));
    }
    return true;
  }
}

class ScanStream final : public BatchStream {
 public:
  ScanStream(ScanPlan plan, int64_t batch_rows, uint64_t unit_rows, size_t window)
      : plan_(std::make_shared<const ScanPlan>(std::move(plan))),
        exchange_(std::make_shared<Exchange>()),
        batch_rows_(batch_rows),
        unit_rows_(unit_rows),
        window_(window),
        skip_(plan_->offset),
        left_(plan_->limit.value_or(UINT64_MAX)) {
    if (!plan_->filter) SkipUnits();
    Fill();
  }

  ~ScanStream() override { Stop(); }

  std::shared_ptr<arrow::Schema> schema() const override { return plan_->schema; }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    const auto until = std::chrono::steady_clock::now() + timeout;
    while (!current_ && failure_.ok() && !tasks_.empty()) {
      {
        std::unique_lock<std::mutex> lock(exchange_->mutex);
        if (!exchange_->changed.wait_until(lock, until, [&] { return tasks_.front()->done; }))
          return false;
      }
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
  void Cancel() {
    std::lock_guard<std::mutex> lock(exchange_->mutex);
    exchange_->cancelled = true;
    tasks_.clear();
  }

  void Stop() {
    Cancel();
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

  void Fill() {
    while (tasks_.size() < window_ && fragment_ < plan_->fragments.size() && unread_ > 0) {
      const size_t fragment = plan_->fragments[fragment_];
      const uint64_t live = plan_->dataset->fragment(fragment).live_rows();
      if (next_row_ >= live) {
        ++fragment_;
        next_row_ = 0;
        continue;
      }
      const uint64_t count = std::min({unit_rows_, live - next_row_, unread_});
      auto task = std::make_shared<UnitTask>(plan_, exchange_, Unit{fragment, next_row_, count},
                                             sequence_++);
      next_row_ += count;
      if (unread_ != UINT64_MAX) unread_ -= count;
      tasks_.push_back(task);
      task->Start();
    }
  }

  Status TakeFront() {
    std::shared_ptr<UnitTask> front = tasks_.front();
    {
      std::unique_lock<std::mutex> lock(exchange_->mutex);
      exchange_->changed.wait(lock, [&] { return front->done; });
      tasks_.pop_front();
    }
    if (!front->batch.ok()) {
      Status status = front->batch.status();
      Cancel();
      return WithContext(status, {.version = plan_->dataset->manifest().version});
    }
    std::shared_ptr<RecordBatch> batch = front->batch.MoveValueUnsafe();
    const uint64_t rows = static_cast<uint64_t>(batch->num_rows());
    const uint64_t skipped = std::min(skip_, rows);
    skip_ -= skipped;
    const uint64_t kept = std::min(rows - skipped, left_);
    if (kept > 0) {
      current_ = kept == rows
                     ? batch
                     : batch->Slice(static_cast<int64_t>(skipped), static_cast<int64_t>(kept));
      position_ = 0;
    }
    Fill();
    return Status::OK();
  }

  std::shared_ptr<const ScanPlan> plan_;
  std::shared_ptr<Exchange> exchange_;
  const int64_t batch_rows_;
  const uint64_t unit_rows_;
  const size_t window_;
  uint64_t skip_;                 // matching rows still to be dropped
  uint64_t left_;                 // rows still to be delivered
  uint64_t unread_ = UINT64_MAX;  // rows still to be read, if known
  size_t fragment_ = 0;           // next unit
  uint64_t next_row_ = 0;
  int64_t sequence_ = 0;
  std::deque<std::shared_ptr<UnitTask>> tasks_;
  std::shared_ptr<RecordBatch> current_;
  int64_t position_ = 0;
  Status failure_;  // of the unit whose turn it is; every further call repeats it
};

}  // namespace

Result<std::shared_ptr<BatchStream>> MakeScanStream(ScanPlan plan) {
  uint64_t row_bytes = 1;
  if (!plan.fragments.empty()) {
    const Projection& sized = plan.filter ? *plan.filter->projection : *plan.projection;
    ARROW_ASSIGN_OR_RAISE(row_bytes,
                          EstimateRowBytes(*plan.dataset, sized, plan.fragments.front()));
    if (plan.batch_size <= 0) {
      ARROW_ASSIGN_OR_RAISE(
          uint64_t full, EstimateRowBytes(*plan.dataset, *plan.projection, plan.fragments.front()));
      plan.batch_size = std::clamp<int64_t>(static_cast<int64_t>(kDefaultBatchBytes / full), 1,
                                            kDefaultBatchRows);
    }
  }
  const int64_t batch_rows = plan.batch_size > 0 ? plan.batch_size : kDefaultBatchRows;
  const uint64_t batches =
      std::max<uint64_t>(1, kUnitBytes / row_bytes / static_cast<uint64_t>(batch_rows));
  const uint64_t unit_rows =
      std::min<uint64_t>(batches * static_cast<uint64_t>(batch_rows), UINT32_MAX);
  const uint64_t unit_bytes = unit_rows * row_bytes;
  const size_t most = 2 * static_cast<size_t>(runtime::Runtime::Get().cpu().max_threads()) + 1;
  const size_t window = std::clamp<uint64_t>(plan.readahead_bytes / unit_bytes, 1, most);
  return std::make_shared<ScanStream>(std::move(plan), batch_rows, unit_rows, window);
}

Result<uint64_t> CountMatching(ScanPlan plan) {
  plan.projection = std::make_shared<Projection>(Projection{{}, arrow::schema({})});
  plan.schema = plan.projection->schema;
  plan.batch_size = kDefaultBatchRows * 8;
  ARROW_ASSIGN_OR_RAISE(auto stream, MakeScanStream(std::move(plan)));
  uint64_t rows = 0;
  while (true) {
    std::shared_ptr<RecordBatch> batch;
    ARROW_RETURN_NOT_OK(stream->ReadNext(&batch));
    if (!batch) return rows;
    rows += static_cast<uint64_t>(batch->num_rows());
  }
}

}  // namespace pilum::scan
