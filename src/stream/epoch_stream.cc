#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "batches/rebatcher.h"
#include "order/epoch_sequence.h"
#include "pilum/stream.h"
#include "stream/delivery_keys.h"
#include "stream/epoch_plan.h"

namespace pilum {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;

/// Which rows of a share are in the batches of a deal.
class DealtRows {
 public:
  explicit DealtRows(const EpochOptions& options)
      : deal_(options.deal), batch_(static_cast<uint64_t>(options.batch_size)) {}

  struct Part {
    uint64_t others;  ///< rows of others' batches, which come before
    uint64_t own;
  };
  /// The next ones, at most `most`, all of one batch.
  Part Next(uint64_t most) {
    Part part = {0, 0};
    if (left_ == 0) {
      part.others = (first_ ? deal_.index : deal_.count - 1) * batch_;
      first_ = false;
      left_ = batch_;
    }
    part.own = std::min(left_, most);
    left_ -= part.own;
    return part;
  }

 private:
  const Deal deal_;
  const uint64_t batch_;
  bool first_ = true;
  uint64_t left_ = 0;  // of the batch that was begun
};

/// The rows of the batches of a deal.
class DealtKeys {
 public:
  DealtKeys(stream::DeliveryKeys keys, const EpochOptions& options)
      : keys_(std::move(keys)),
        dealt_(options),
        batch_(static_cast<uint64_t>(options.batch_size)) {}

  void Append(uint64_t most, std::vector<uint64_t>* rows) {
    // Windows of whole batches need not be put together.
    const uint64_t end = rows->size() + (most >= batch_ ? most - most % batch_ : most);
    while (rows->size() < end) {
      const DealtRows::Part part = dealt_.Next(end - rows->size());
      keys_.Skip(part.others);
      const size_t before = rows->size();
      keys_.Append(part.own, rows);
      if (rows->size() - before < part.own) return;
    }
  }

 private:
  stream::DeliveryKeys keys_;
  DealtRows dealt_;
  const uint64_t batch_;
};

/// How far the splits of a reader are.
class DealtProgress {
 public:
  DealtProgress(const EpochOptions& options, EpochProgress start)
      : dealt_(options), turns_(options.reader, start.samples), progress_(std::move(start)) {}

  const EpochProgress& progress() const { return progress_; }

  /// After the next rows of the deal.
  void Advance(uint64_t rows) {
    while (rows > 0) {
      const DealtRows::Part part = dealt_.Next(rows);
      rows -= part.own;
      AdvanceAll(part.others + part.own);
    }
  }

 private:
  void AdvanceAll(uint64_t rows) {
    for (; rows > 0 && !turns_.AtRound(); --rows) AdvanceSplit(turns_.Next(), 1);
    const uint64_t rounds = rows / turns_.num_splits();
    turns_.SkipRounds(rounds);
    for (size_t i = 0; i < turns_.num_splits(); ++i) AdvanceSplit(turns_.split(i), rounds);
    for (rows %= turns_.num_splits(); rows > 0; --rows) AdvanceSplit(turns_.Next(), 1);
  }
  void AdvanceSplit(uint64_t split, uint64_t rows) {
    progress_.samples[split] += rows;
    progress_.places[split] += rows;
  }

  DealtRows dealt_;
  order::Turns turns_;
  EpochProgress progress_;
};

class WindowedEpochStream final : public EpochStream {
 public:
  WindowedEpochStream(const order::EpochSequence& sequence, const EpochOptions& options,
                      EpochProgress start, std::shared_ptr<BatchStream> rows)
      : num_samples_(sequence.size()),
        surplus_(sequence.surplus()),
        whole_batches_(options.whole_batches),
        reader_(options.reader),
        batch_size_(options.batch_size),
        batches_at_once_(options.batches_at_once),
        before_(options, std::move(start)),
        windows_(std::move(rows)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return windows_.source().schema(); }
  uint64_t num_samples() const override { return num_samples_; }
  uint64_t surplus() const override { return surplus_; }
  EpochProgress progress(uint64_t unused) const override {
    DealtProgress used = before_;
    used.Advance(last_rows_ - std::min(unused, last_rows_));
    return used.progress().KnownTo(reader_);
  }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    return windows_.WaitUntil([this] { return HasNext(); }, timeout);
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    ARROW_RETURN_NOT_OK(windows_.ReadUntil([this] { return HasNext(); }));
    const int64_t batches =
        std::clamp<int64_t>(windows_.front_rows() / batch_size_, 1, batches_at_once_);
    ARROW_ASSIGN_OR_RAISE(*out, windows_.Take(batches * batch_size_));
    before_.Advance(last_rows_);
    last_rows_ = *out ? static_cast<uint64_t>((*out)->num_rows()) : 0;
    return Status::OK();
  }

  Status Close() override { return windows_.Close(); }

 private:
  bool HasNext() const { return windows_.rows() >= (whole_batches_ ? batch_size_ : 1); }

  const uint64_t num_samples_;
  const uint64_t surplus_;
  const bool whole_batches_;
  const EpochReader reader_;
  const int64_t batch_size_;
  const int64_t batches_at_once_;
  DealtProgress before_;    // what was delivered last
  uint64_t last_rows_ = 0;  // of that
  batches::Rebatcher windows_;
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
