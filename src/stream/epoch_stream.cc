#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "order/epoch_sequence.h"
#include "pilum/stream.h"
#include "stream/delivery_keys.h"
#include "stream/epoch_plan.h"
#include "stream/rebatcher.h"

namespace pilum {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;

/// Rows of others' batches before the next batch of a deal.
uint64_t SkippedRows(const Deal& deal, int64_t batch_size, bool first) {
  return (first ? deal.index : deal.count - 1) * static_cast<uint64_t>(batch_size);
}

/// The rows of the batches of a deal.
class DealtKeys {
 public:
  DealtKeys(stream::DeliveryKeys keys, const EpochOptions& options)
      : keys_(std::move(keys)), deal_(options.deal), batch_size_(options.batch_size) {}

  void Append(uint64_t most, std::vector<uint64_t>* rows) {
    // Windows of whole batches need not be put together.
    const auto batch = static_cast<uint64_t>(batch_size_);
    uint64_t wanted = most >= batch ? most - most % batch : most;
    while (wanted > 0) {
      if (left_ == 0) {
        keys_.Skip(SkippedRows(deal_, batch_size_, first_));
        first_ = false;
        left_ = batch;
      }
      const size_t before = rows->size();
      keys_.Append(std::min(left_, wanted), rows);
      const uint64_t appended = rows->size() - before;
      if (appended == 0) return;
      left_ -= appended;
      wanted -= appended;
    }
  }

 private:
  stream::DeliveryKeys keys_;
  const Deal deal_;
  const int64_t batch_size_;
  bool first_ = true;
  uint64_t left_ = 0;  // of the batch that was begun
};

class WindowedEpochStream final : public EpochStream {
 public:
  WindowedEpochStream(const order::EpochSequence& sequence, const EpochOptions& options,
                      EpochProgress start, std::shared_ptr<BatchStream> rows)
      : num_samples_(sequence.size()),
        surplus_(sequence.surplus()),
        whole_batches_(options.whole_batches),
        deal_(options.deal),
        reader_(options.reader),
        delivered_(std::move(start)),
        turns_(options.reader, delivered_.samples),
        batch_size_(options.batch_size),
        windows_(std::move(rows)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return windows_.source().schema(); }
  uint64_t num_samples() const override { return num_samples_; }
  uint64_t surplus() const override { return surplus_; }
  EpochProgress progress(uint64_t unused) const override {
    EpochProgress used = delivered_;
    const size_t end = last_splits_.size();
    for (size_t i = end - std::min<size_t>(unused, end); i < end; ++i) {
      --used.samples[last_splits_[i]];
      --used.places[last_splits_[i]];
    }
    return used.KnownTo(reader_);
  }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    return windows_.WaitUntil([this] { return HasNext(); }, timeout);
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    ARROW_RETURN_NOT_OK(windows_.ReadUntil([this] { return HasNext(); }));
    ARROW_ASSIGN_OR_RAISE(*out, windows_.Take(batch_size_));
    last_splits_.clear();
    if (!*out) return Status::OK();
    for (uint64_t rows = SkippedRows(deal_, batch_size_, !begun_); rows > 0; --rows) Deliver();
    begun_ = true;
    for (int64_t rows = (*out)->num_rows(); rows > 0; --rows) last_splits_.push_back(Deliver());
    return Status::OK();
  }

  Status Close() override { return windows_.source().Close(); }

 private:
  /// The next sample; returns its split.
  uint64_t Deliver() {
    const uint64_t split = turns_.Next();
    ++delivered_.samples[split];
    ++delivered_.places[split];
    return split;
  }

  bool HasNext() const { return windows_.rows() >= (whole_batches_ ? batch_size_ : 1); }

  const uint64_t num_samples_;
  const uint64_t surplus_;
  const bool whole_batches_;
  const Deal deal_;
  bool begun_ = false;
  const EpochReader reader_;
  EpochProgress delivered_;
  order::Turns turns_;                 // of what is delivered next
  std::vector<uint64_t> last_splits_;  // whose the samples of the last batch are
  const int64_t batch_size_;
  stream::Rebatcher windows_;
};

}  // namespace

Result<std::shared_ptr<EpochStream>> OpenEpoch(const EpochRows& rows, const EpochOptions& options,
                                               const std::optional<EpochProgress>& start) {
  ARROW_ASSIGN_OR_RAISE(auto plan, stream::EpochPlan::Make(rows, options, start));
  ARROW_RETURN_NOT_OK(stream::CheckDeal(options));
  RowKeys keys = [keys = DealtKeys({plan.sequence, options.reader, plan.start}, options)](
                     uint64_t most, std::vector<uint64_t>* out) mutable {
    keys.Append(most, out);
    return Status::OK();
  };
  ARROW_ASSIGN_OR_RAISE(auto taken, stream::TakeAhead(rows, options, std::move(keys)));
  return std::make_shared<WindowedEpochStream>(plan.sequence, options, plan.start,
                                               std::move(taken));
}

}  // namespace pilum
