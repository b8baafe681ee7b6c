#include "scan/take_stream.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/util/byte_size.h>

#include "pilum/error.h"
#include "scan/batch_read.h"
#include "scan/fetch_gate.h"
#include "scan/row_locator.h"
#include "scan/row_size.h"
#include "scan/stream_task.h"
#include "scan/window_pieces.h"

namespace pilum::scan {
namespace {

using Clock = std::chrono::steady_clock;
using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;

// Rows of the first window, of which each is so many times as long as the one before, up to the most:
// planning a row takes 50 bytes and 100 ns, and more rows together save little.
constexpr uint64_t kFirstRows = 256;
constexpr uint64_t kGrowth = 4;
constexpr uint64_t kMostRows = 1 << 16;
// Windows under way or waiting: one is delivered while one is decoded and others are fetched. Each
// has a piece of what it is read from in memory.
constexpr uint64_t kWindows = 4;
// Smaller pieces of a window, in bytes fetched for them, cost more than they save.
constexpr uint64_t kLeastPiece = 1 << 20;
constexpr uint64_t kChunkBytes = 8192;  // at most, of values that are decoded together

/// Counts the time that it exists.
class DecodeTime {
 public:
  explicit DecodeTime(std::shared_ptr<ReadCounters> counters) : counters_(std::move(counters)) {}
  ~DecodeTime() { counters_->decode_ns += static_cast<uint64_t>((Clock::now() - start_).count()); }

 private:
  const std::shared_ptr<ReadCounters> counters_;
  const Clock::time_point start_ = Clock::now();
};

/// Rows that are read together.
class WindowTask final : public StreamTask {
 public:
  WindowTask(std::shared_ptr<const TakePlan> plan, std::shared_ptr<FetchGate> gate,
             std::shared_ptr<Exchange> exchange, std::vector<uint64_t> keys, int64_t number,
             int64_t num_pieces)
      : StreamTask(std::move(exchange), number),
        plan_(std::move(plan)),
        gate_(std::move(gate)),
        keys_(std::move(keys)),
        num_pieces_(num_pieces) {
    gate_->Begin(number);
    plan_->counters->reads.Begin();
  }
  ~WindowTask() override { End(); }  // one that was cancelled

  uint64_t rows() const { return keys_.size(); }

  std::shared_ptr<RecordBatch> batch;
  uint64_t bytes = 0;          // of the batch
  uint64_t fetched_bytes = 0;  // for it

 private:
  Result<bool> Advance() override {
    const DecodeTime time(plan_->counters);
    if (!pieces_) {
      ARROW_ASSIGN_OR_RAISE(RowSelection rows, SelectRows(*plan_->dataset, keys_, plan_->key));
      pieces_.emplace(std::move(rows), num_pieces_);
    }
    while (read_ || !pieces_->empty()) {
      if (!read_) {
        ARROW_ASSIGN_OR_RAISE(read_,
                              BatchRead::Make(plan_->dataset, plan_->projection, pieces_->Next()));
      }
      ARROW_ASSIGN_OR_RAISE(auto piece, Continue(read_.get()));
      if (!piece) return false;
      read_.reset();  // with what the rows were decoded from
      gate_->Release(priority());
      read_pieces_.push_back(std::move(piece));
    }
    ARROW_ASSIGN_OR_RAISE(auto rows, pieces_->Join(std::move(read_pieces_)));
    if (plan_->finish) {
      ARROW_ASSIGN_OR_RAISE(rows, plan_->finish(std::move(rows)));
    }
    batch = std::move(rows);
    bytes = static_cast<uint64_t>(arrow::util::TotalBufferSize(*batch));
    plan_->counters->rows_read += keys_.size();
    plan_->counters->bytes_read += bytes;
    End();
    return true;
  }

  void Admit(uint64_t bytes, std::function<void()> start) override {
    fetched_bytes += bytes;
    gate_->Enter(priority(), bytes, std::move(start));
  }

  void Fetched(const io::Fetch::Volume& volume, std::chrono::nanoseconds taken) override {
    ReadCounters& counters = *plan_->counters;
    counters.fetch_ns += static_cast<uint64_t>(taken.count());
    counters.store_reads += volume.reads;
    counters.store_bytes += volume.bytes;
    counters.wanted_bytes += volume.wanted_bytes;
  }

  void End() {
    if (std::exchange(ended_, true)) return;
    const auto taken = Clock::now() - made_;
    plan_->counters->read_ns += static_cast<uint64_t>(taken.count());
    plan_->counters->reads.End(taken);
    gate_->End(priority());
  }

  const std::shared_ptr<const TakePlan> plan_;
  const std::shared_ptr<FetchGate> gate_;
  const std::vector<uint64_t> keys_;
  const Clock::time_point made_ = Clock::now();
  const int64_t num_pieces_;
  std::optional<WindowPieces> pieces_;
  std::unique_ptr<BatchRead> read_;  // the piece being read
  arrow::RecordBatchVector read_pieces_;
  bool ended_ = false;
};

class TakeStream final : public BatchStream {
 public:
  explicit TakeStream(TakePlan plan) : plan_(std::make_shared<const TakePlan>(std::move(plan))) {
    if (plan_->dataset->num_fragments() > 0)
      row_bytes_ = EstimateRowSize(*plan_->dataset, *plan_->projection, 0).bytes;
    row_fetch_bytes_ = row_bytes_ + kChunkBytes * plan_->projection->columns.size();
    Fill();
  }

  ~TakeStream() override { gate_->Cancel(); }

  std::shared_ptr<arrow::Schema> schema() const override { return plan_->schema; }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    Fill();
    return tasks_.empty() || tasks_.WaitUntil(std::chrono::steady_clock::now() + timeout);
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    Fill();  // here, not behind: who has asked for a window need not wait for keys of later ones
    if (tasks_.empty()) return failure_;
    const std::shared_ptr<WindowTask> front = tasks_.Take();
    rows_ahead_ -= front->rows();
    if (!front->status.ok()) {
      failure_ = WithContext(front->status, {.version = plan_->dataset->manifest().version});
      tasks_.Cancel();
      ended_ = true;
      return failure_;
    }
    Observe(*front);
    *out = std::move(front->batch);
    return Status::OK();
  }

  Status Close() override {
    gate_->Cancel();
    tasks_.Cancel();
    ended_ = true;
    return Status::OK();
  }

 private:
  /// Rows that may be under way or wait for the consumer. A little fewer than the bytes allow, of
  /// which a window's share mostly is a power of two: windows whose rows vary in size then take
  /// buffers of one size, which are recycled, instead of two.
  uint64_t MostRows() const {
    const uint64_t row_bytes = row_bytes_ + row_bytes_ / 16;
    const uint64_t rows =
        std::clamp<uint64_t>(plan_->readahead_bytes / 2 / row_bytes, 1, kWindows * kMostRows);
    return plan_->readahead_rows > 0 ? std::min(rows, plan_->readahead_rows) : rows;
  }

  /// In which a window of so many rows is read, so that two windows have room at a time.
  int64_t NumPieces(uint64_t rows) const {
    const uint64_t most_bytes = std::max(plan_->readahead_bytes / 4, kLeastPiece);
    return static_cast<int64_t>(rows * row_fetch_bytes_ / most_bytes + 1);
  }

  uint64_t WindowRows() const {
    return std::min(window_rows_, std::max<uint64_t>(1, MostRows() / kWindows));
  }

  void Fill() {
    while (!ended_ && tasks_.size() < kWindows &&
           (tasks_.empty() || rows_ahead_ + WindowRows() <= MostRows())) {
      std::vector<uint64_t> keys;
      failure_ = plan_->keys(WindowRows(), &keys);
      ended_ = !failure_.ok() || keys.empty();
      if (ended_) return;
      rows_ahead_ += keys.size();
      plan_->counters->rows_requested += keys.size();
      window_rows_ = std::min(window_rows_ * kGrowth, kMostRows);
      const int64_t pieces = NumPieces(keys.size());
      tasks_.PushBack(std::make_shared<WindowTask>(plan_, gate_, tasks_.exchange(), std::move(keys),
                                                   number_++, pieces));
      tasks_[tasks_.size() - 1].Start();
    }
  }

  void Observe(const WindowTask& window) {
    rows_seen_ += window.rows();
    bytes_seen_ += window.bytes;
    row_bytes_ = std::max<uint64_t>(1, bytes_seen_ / std::max<uint64_t>(1, rows_seen_));
    row_fetch_bytes_ = window.fetched_bytes / std::max<uint64_t>(1, window.rows());
  }

  const std::shared_ptr<const TakePlan> plan_;
  // Half of what may be ahead is for rows, half for what they are decoded from.
  const std::shared_ptr<FetchGate> gate_ = std::make_shared<FetchGate>(plan_->readahead_bytes / 2);
  uint64_t row_bytes_ = 1;        // as estimated, then as seen
  uint64_t row_fetch_bytes_ = 0;  // if each row is in a chunk of its own, then as last seen
  uint64_t rows_seen_ = 0;
  uint64_t bytes_seen_ = 0;
  uint64_t window_rows_ = kFirstRows;
  uint64_t rows_ahead_ = 0;
  int64_t number_ = 0;  // of the next window
  bool ended_ = false;
  Status failure_;  // comes after the windows before it
  TaskQueue<WindowTask> tasks_;
};

}  // namespace

Result<std::shared_ptr<BatchStream>> MakeTakeStream(TakePlan plan) {
  return std::make_shared<TakeStream>(std::move(plan));
}

}  // namespace pilum::scan
