#include "scan/take_stream.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/util/byte_size.h>

#include "pilum/error.h"
#include "scan/batch_read.h"
#include "scan/column_groups.h"
#include "scan/memory_gate.h"
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

// Rows of the first window, of which each is so many times as long as the one before, up to the most.
constexpr uint64_t kFirstRows = 256;
constexpr uint64_t kGrowth = 4;
constexpr uint64_t kMostRows = 1 << 18;
// Planning a row takes about so many bytes, however small it is: there are no more rows than would
// take as much as may be ahead. In short windows most of what is decoded is not wanted, so that they
// are never shorter for this reason.
constexpr uint64_t kPlanBytes = 256;
constexpr uint64_t kFewRows = 1 << 14;
// Windows under way or waiting: one is delivered while one is decoded and others are fetched. Each
// has a piece of what it is read from in memory.
constexpr uint64_t kWindows = 4;
// So many times its share of the memory a window may take. Rows are never all of the size expected.
constexpr uint64_t kMostShares = 2;
// So many bytes of large rows are one window when reading them takes no waiting.
constexpr uint64_t kNearBytes = 2 << 20;
// Smaller pieces of a window, in bytes fetched for them, cost more than they save.
constexpr uint64_t kLeastPiece = 1 << 20;
constexpr uint64_t kChunkBytes = 8192;  // at most, of values that are decoded together

/// Counts the time that it exists, but for that of fetching.
class DecodeTime {
 public:
  explicit DecodeTime(std::shared_ptr<ReadCounters> counters) : counters_(std::move(counters)) {}
  ~DecodeTime() {
    counters_->decode_ns += static_cast<uint64_t>((Clock::now() - start_ - fetching).count());
  }

  std::chrono::nanoseconds fetching{0};  ///< meanwhile

 private:
  const std::shared_ptr<ReadCounters> counters_;
  const Clock::time_point start_ = Clock::now();
};

/// Half of what may be ahead is for rows, half for what they are decoded from.
struct Gates {
  explicit Gates(uint64_t readahead_bytes)
      : rows(readahead_bytes / 2), fetched(readahead_bytes / 2) {}

  MemoryGate rows;
  MemoryGate fetched;
};

/// Rows that are read together. How large they are is known when they are about to be fetched: if
/// that is too large, the first half of them is read, and again, and the others are left over.
class WindowTask final : public StreamTask {
 public:
  WindowTask(std::shared_ptr<const TakePlan> plan, std::shared_ptr<Gates> gates,
             std::shared_ptr<Exchange> exchange, std::vector<uint64_t> keys, int64_t number,
             int64_t num_pieces)
      : StreamTask(std::move(exchange), number),
        plan_(std::move(plan)),
        gates_(std::move(gates)),
        keys_(std::move(keys)),
        num_pieces_(num_pieces) {
    gates_->rows.Begin(number);
    gates_->fetched.Begin(number);
    plan_->counters->reads.Begin();
  }
  ~WindowTask() override {  // one that was cancelled
    End();
    LetGo();
  }

  int64_t number() const { return priority(); }
  uint64_t rows() const { return keys_.size(); }

  std::shared_ptr<RecordBatch> batch;
  uint64_t bytes = 0;          // of the batch, or what was expected if that is more
  uint64_t fetched_bytes = 0;  // for it
  std::vector<uint64_t> rest;  // keys that are left over

  /// The consumer has the batch.
  void LetGo() {
    if (!std::exchange(let_go_, true)) gates_->rows.End(priority());
  }

 private:
  Result<bool> Advance() override {
    DecodeTime time(plan_->counters);
    if (std::exchange(too_large_, false)) Halve();
    if (!pieces_) {
      ARROW_ASSIGN_OR_RAISE(RowSelection rows, SelectRows(*plan_->dataset, keys_, plan_->key));
      pieces_.emplace(std::move(rows), num_pieces_);
    }
    while (read_ || !pieces_->empty()) {
      if (!read_) {
        ARROW_ASSIGN_OR_RAISE(read_,
                              BatchRead::Make(plan_->dataset, plan_->projection, pieces_->Next()));
      }
      ARROW_ASSIGN_OR_RAISE(auto piece, Continue(read_.get(), &time.fetching));
      if (!piece) return false;
      read_.reset();  // with what the rows were decoded from
      gates_->fetched.Hold(priority(), 0);
      expected_bytes_ += std::exchange(piece_bytes_, 0);
      read_bytes_ += static_cast<uint64_t>(arrow::util::TotalBufferSize(*piece));
      gates_->rows.Hold(priority(), read_bytes_);
      read_pieces_.push_back(std::move(piece));
    }
    ARROW_ASSIGN_OR_RAISE(auto rows, pieces_->Join(std::move(read_pieces_)));
    if (plan_->finish) {
      ARROW_ASSIGN_OR_RAISE(rows, plan_->finish(std::move(rows)));
    }
    batch = std::move(rows);
    read_bytes_ = static_cast<uint64_t>(arrow::util::TotalBufferSize(*batch));
    gates_->rows.Hold(priority(), read_bytes_);
    bytes = std::max(read_bytes_, expected_bytes_);
    if (plan_->counts_rows) plan_->counters->rows_read += keys_.size();
    plan_->counters->bytes_read += read_bytes_;
    End();
    return true;
  }

  bool Admit(uint64_t bytes) override {
    const uint64_t piece_bytes = read_->value_bytes();
    too_large_ = keys_.size() > 1 && read_bytes_ + piece_bytes > MostBytes();
    if (too_large_) {
      Post();
      return false;
    }
    fetched_bytes += bytes;
    const uint64_t more = piece_bytes - std::min(piece_bytes, piece_bytes_);
    piece_bytes_ += more;
    const auto start = [self = shared_from_this(), this] { Post(); };
    const auto enter = [gates = gates_, number = priority(), bytes, start] {
      return gates->fetched.Enter(number, bytes, start);
    };
    return gates_->rows.Enter(priority(), more, [enter, start] {
      if (enter()) start();
    }) && enter();
  }

  uint64_t MostBytes() const { return plan_->readahead_bytes / 2 / kWindows * kMostShares; }

  void Halve() {
    const auto half = keys_.begin() + static_cast<std::ptrdiff_t>(keys_.size() / 2);
    rest.insert(rest.begin(), half, keys_.end());
    keys_.erase(half, keys_.end());
    num_pieces_ = (num_pieces_ + 1) / 2;
    DropRequests();
    read_.reset();
    pieces_.reset();
    read_pieces_.clear();
    piece_bytes_ = expected_bytes_ = read_bytes_ = 0;
    gates_->fetched.Hold(priority(), 0);
    gates_->rows.Hold(priority(), 0);
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
    gates_->fetched.End(priority());
  }

  const std::shared_ptr<const TakePlan> plan_;
  const std::shared_ptr<Gates> gates_;
  std::vector<uint64_t> keys_;
  const Clock::time_point made_ = Clock::now();
  int64_t num_pieces_;
  std::optional<WindowPieces> pieces_;
  std::unique_ptr<BatchRead> read_;  // the piece being read
  uint64_t piece_bytes_ = 0;         // that its rows take, as expected
  arrow::RecordBatchVector read_pieces_;
  uint64_t expected_bytes_ = 0;  // of those
  uint64_t read_bytes_ = 0;      // of those
  bool too_large_ = false;
  bool ended_ = false;
  bool let_go_ = false;
};

class TakeStream final : public BatchStream {
 public:
  explicit TakeStream(TakePlan plan) : plan_(std::make_shared<const TakePlan>(std::move(plan))) {
    if (plan_->row_bytes > 0)
      row_bytes_ = plan_->row_bytes;
    else if (plan_->dataset->num_fragments() > 0)
      row_bytes_ = EstimateRowSize(*plan_->dataset, *plan_->projection, 0).bytes;
    row_fetch_bytes_ = row_bytes_ + kChunkBytes * plan_->projection->columns.size();
    Fill();
  }

  ~TakeStream() override { CancelReads(); }

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
    front->LetGo();
    if (!front->rest.empty()) {
      tasks_.PushFront(MakeWindow(std::move(front->rest), front->number()));
      tasks_[0].Start();
    }
    *out = std::move(front->batch);
    return Status::OK();
  }

  Status Close() override {
    CancelReads();
    tasks_.Cancel();
    ended_ = true;
    return Status::OK();
  }

 private:
  void CancelReads() {
    gates_->rows.Cancel();
    gates_->fetched.Cancel();
  }

  /// Rows that may be under way or wait for the consumer. A little fewer than the bytes allow, of
  /// which a window's share mostly is a power of two: windows whose rows vary in size then take
  /// buffers of one size, which are recycled, instead of two.
  uint64_t MostRows() const {
    const uint64_t row_bytes = row_bytes_ + row_bytes_ / 16;
    const uint64_t planned = std::clamp<uint64_t>(plan_->readahead_bytes / kPlanBytes,
                                                  kWindows * kFewRows, kWindows * kMostRows);
    const uint64_t rows = std::clamp<uint64_t>(plan_->readahead_bytes / 2 / row_bytes, 1, planned);
    return plan_->readahead_rows > 0 ? std::min(rows, plan_->readahead_rows) : rows;
  }

  /// In which a window of so many rows is read, so that two windows have room at a time.
  int64_t NumPieces(uint64_t rows) const {
    const uint64_t most_bytes = std::max(plan_->readahead_bytes / 4, kLeastPiece);
    return static_cast<int64_t>(rows * row_fetch_bytes_ / most_bytes + 1);
  }

  uint64_t WindowRows() const {
    const uint64_t rows = std::min(window_rows_, std::max<uint64_t>(1, MostRows() / kWindows));
    if (waited_ || row_bytes_ < kLargeRow) return rows;
    return std::min(rows, std::max(kNearBytes / row_bytes_, plan_->rows_together));
  }

  void Fill() {
    while (!ended_ && tasks_.size() < kWindows &&
           (tasks_.empty() || rows_ahead_ + WindowRows() <= MostRows())) {
      std::vector<uint64_t> keys;
      failure_ = plan_->keys(WindowRows(), &keys);
      ended_ = !failure_.ok() || keys.empty();
      if (ended_) return;
      rows_ahead_ += keys.size();
      if (plan_->counts_rows) plan_->counters->rows_requested += keys.size();
      window_rows_ = std::min(window_rows_ * kGrowth, kMostRows);
      const int64_t number = std::exchange(number_, number_ + static_cast<int64_t>(keys.size()));
      tasks_.PushBack(MakeWindow(std::move(keys), number));
      tasks_[tasks_.size() - 1].Start();
    }
  }

  std::shared_ptr<WindowTask> MakeWindow(std::vector<uint64_t> keys, int64_t number) const {
    const int64_t pieces = NumPieces(keys.size());
    return std::make_shared<WindowTask>(plan_, gates_, tasks_.exchange(), std::move(keys), number,
                                        pieces);
  }

  // Rows may get larger at some place, and smaller: what those before took counts less and less.
  void Observe(const WindowTask& window) {
    rows_seen_ = rows_seen_ / 2 + window.rows();
    bytes_seen_ = bytes_seen_ / 2 + window.bytes;
    row_bytes_ = std::max({uint64_t{1}, bytes_seen_ / rows_seen_, window.bytes / window.rows()});
    row_fetch_bytes_ = window.fetched_bytes / window.rows();
    waited_ = window.waited;
  }

  const std::shared_ptr<const TakePlan> plan_;
  const std::shared_ptr<Gates> gates_ = std::make_shared<Gates>(plan_->readahead_bytes);
  uint64_t row_bytes_ = 1;        // as estimated, then as seen
  bool waited_ = true;            // for the last window
  uint64_t row_fetch_bytes_ = 0;  // if each row is in a chunk of its own, then as last seen
  uint64_t rows_seen_ = 0;
  uint64_t bytes_seen_ = 0;
  uint64_t window_rows_ = kFirstRows;
  uint64_t rows_ahead_ = 0;
  int64_t number_ = 0;  // of the next window: of its first row, which ranks it among other streams'
  bool ended_ = false;
  Status failure_;  // comes after the windows before it
  TaskQueue<WindowTask> tasks_;
};

}  // namespace

Result<std::shared_ptr<BatchStream>> MakeTakeStream(TakePlan plan) {
  std::optional<ColumnGroups> groups = SplitBySize(plan);
  if (!groups) return std::make_shared<TakeStream>(std::move(plan));
  return JoinColumns(plan.schema, std::move(groups->is_large),
                     std::make_shared<TakeStream>(std::move(groups->large)),
                     std::make_shared<TakeStream>(std::move(groups->small)));
}

}  // namespace pilum::scan
