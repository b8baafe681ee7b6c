#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "order/epoch_sequence.h"
#include "pilum/error.h"
#include "pilum/stream.h"
#include "stream/delivery_keys.h"

namespace pilum {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;

/// Batches cut from longer ones, or put together from shorter ones.
class Rebatcher {
 public:
  explicit Rebatcher(int64_t batch_size) : batch_size_(batch_size) {}

  bool empty() const { return rows_ == 0; }
  bool full() const { return rows_ >= batch_size_; }

  void Put(std::shared_ptr<RecordBatch> batch) {
    rows_ += batch->num_rows();
    pieces_.push_back(std::move(batch));
  }

  /// A batch of the rows put first; null when there are none.
  Result<std::shared_ptr<RecordBatch>> Take() {
    const int64_t rows = std::min(rows_, batch_size_);
    if (rows == 0) return nullptr;
    arrow::RecordBatchVector taken;
    for (int64_t left = rows; left > 0; left -= taken.back()->num_rows()) {
      RecordBatch& front = *pieces_.front();
      taken.push_back(front.Slice(0, std::min(left, front.num_rows())));
      if (taken.back()->num_rows() < front.num_rows()) {
        pieces_.front() = front.Slice(taken.back()->num_rows());
      } else {
        pieces_.erase(pieces_.begin());
      }
    }
    rows_ -= rows;
    return taken.size() == 1 ? taken[0] : arrow::ConcatenateRecordBatches(taken, GetMemoryPool());
  }

 private:
  const int64_t batch_size_;
  int64_t rows_ = 0;
  arrow::RecordBatchVector pieces_;
};

class WindowedEpochStream final : public EpochStream {
 public:
  WindowedEpochStream(const order::EpochSequence& sequence, const EpochOptions& options,
                      EpochProgress start, std::shared_ptr<BatchStream> rows)
      : num_samples_(sequence.size()),
        surplus_(sequence.surplus()),
        whole_batches_(options.whole_batches),
        reader_(options.reader),
        delivered_(std::move(start)),
        turns_(options.reader, delivered_.samples),
        rows_(std::move(rows)),
        batches_(options.batch_size) {}

  std::shared_ptr<arrow::Schema> schema() const override { return rows_->schema(); }
  uint64_t num_samples() const override { return num_samples_; }
  uint64_t surplus() const override { return surplus_; }
  EpochProgress progress(uint64_t unused) const override {
    EpochProgress used = delivered_;
    for (size_t i = last_splits_.size() - unused; i < last_splits_.size(); ++i) {
      --used.samples[last_splits_[i]];
      --used.places[last_splits_[i]];
    }
    return used.KnownTo(reader_);
  }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    return HasNext() || rows_->WaitNext(timeout);
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    while (!HasNext()) {
      ARROW_ASSIGN_OR_RAISE(auto window, rows_->Next());
      if (!window) break;
      batches_.Put(std::move(window));
    }
    ARROW_ASSIGN_OR_RAISE(*out, batches_.Take());
    last_splits_.clear();
    for (int64_t i = 0; *out && i < (*out)->num_rows(); ++i) {
      const uint64_t split = turns_.Next();
      ++delivered_.samples[split];
      ++delivered_.places[split];
      last_splits_.push_back(split);
    }
    return Status::OK();
  }

  Status Close() override { return rows_->Close(); }

 private:
  bool HasNext() const { return batches_.full() || (!whole_batches_ && !batches_.empty()); }

  const uint64_t num_samples_;
  const uint64_t surplus_;
  const bool whole_batches_;
  const EpochReader reader_;
  EpochProgress delivered_;
  order::Turns turns_;                 // of what is delivered next
  std::vector<uint64_t> last_splits_;  // whose the samples of the last batch are
  const std::shared_ptr<BatchStream> rows_;
  Rebatcher batches_;
};

Status CheckStart(const EpochProgress& start, const order::EpochSequence& sequence) {
  const uint64_t splits = sequence.num_splits();
  if (start.samples.size() != splits || start.places.size() != splits) {
    return MakeError(ErrorKind::kInvalidArgument, "num_splits mismatch: the progress is of " +
                                                      std::to_string(start.samples.size()) +
                                                      " splits, the epoch has " +
                                                      std::to_string(splits));
  }
  for (size_t i = 0; i < splits; ++i) {
    if (start.samples[i] > start.places[i] || start.places[i] > sequence.rows_per_split()) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "the progress of split " + std::to_string(i) + " is " +
                           std::to_string(start.samples[i]) + " samples at place " +
                           std::to_string(start.places[i]) + ", but it has " +
                           std::to_string(sequence.rows_per_split()) + " rows");
    }
  }
  return Status::OK();
}

Result<order::EpochSequence> MakeSequence(uint64_t rows, const EpochOptions& options) {
  RowOrder order = RowOrder::Stored(rows);
  if (options.shuffle) {
    ARROW_ASSIGN_OR_RAISE(order, RowOrder::Shuffled(rows, *options.shuffle));
  }
  return order::EpochSequence::Make(std::move(order), options.num_splits);
}

}  // namespace

Result<std::shared_ptr<EpochStream>> OpenEpoch(const EpochRows& rows, const EpochOptions& options,
                                               const std::optional<EpochProgress>& start) {
  if (options.batch_size < 1) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "batch_size must be at least 1, not " + std::to_string(options.batch_size));
  }
  ARROW_RETURN_NOT_OK(order::CheckReader(options.reader, options.num_splits));
  ARROW_ASSIGN_OR_RAISE(order::EpochSequence sequence, MakeSequence(rows.size(), options));
  const EpochProgress from = start ? *start : EpochProgress::After(0, options.num_splits);
  ARROW_RETURN_NOT_OK(CheckStart(from, sequence));
  RowKeys offsets = [keys = stream::DeliveryKeys(sequence, options.reader, from),
                     batch = static_cast<uint64_t>(options.batch_size),
                     rows](uint64_t most, std::vector<uint64_t>* out) mutable {
    const size_t first = out->size();
    // Windows of whole batches need not be put together.
    keys.Append(most >= batch ? most - most % batch : most, out);
    for (size_t i = first; i < out->size(); ++i) (*out)[i] = rows.OffsetAt((*out)[i]);
    return Status::OK();
  };
  ARROW_ASSIGN_OR_RAISE(
      auto stream,
      rows.snapshot().TakeAhead(std::move(offsets), {.columns = options.columns,
                                                     .readahead_bytes = options.readahead_bytes,
                                                     .readahead_rows = options.readahead_rows,
                                                     .counters = options.counters}));
  return std::make_shared<WindowedEpochStream>(sequence, options, from, std::move(stream));
}

}  // namespace pilum
