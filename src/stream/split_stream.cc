#include <chrono>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>

#include "batches/rebatcher.h"
#include "pilum/stream.h"
#include "stream/epoch_plan.h"
#include "stream/split_blocks.h"

namespace pilum {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;
using stream::Block;

/// Asks for the rows of blocks, and says which these are. Of the thread that reads the stream.
class BlockKeys {
 public:
  explicit BlockKeys(stream::SplitBlocks blocks) : blocks_(std::move(blocks)) {}

  /// Whole blocks, unless one alone has more rows than `most`.
  Status Append(uint64_t most, std::vector<uint64_t>* rows) {
    while (most > 0) {
      if (!open_) {
        open_ = blocks_.Next();
        offset_ = 0;
        if (!open_) break;
        asked_.push_back(*open_);
      }
      if (open_->rows - offset_ > most && !rows->empty()) break;
      const uint64_t appended = blocks_.Append(*open_, offset_, most, rows);
      most -= appended;
      offset_ += appended;
      if (offset_ == open_->rows) open_.reset();
    }
    return Status::OK();
  }

  /// Those asked for, in part at least, and not taken yet.
  std::deque<Block>& asked() { return asked_; }

 private:
  stream::SplitBlocks blocks_;
  std::optional<Block> open_;  // its rows from offset_ on were not asked for
  uint64_t offset_ = 0;
  std::deque<Block> asked_;
};

class BlockStream final : public SplitStream {
 public:
  BlockStream(std::shared_ptr<BlockKeys> keys, std::shared_ptr<BatchStream> rows)
      : keys_(std::move(keys)), windows_(std::move(rows)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return windows_.source().schema(); }
  uint64_t split() const override { return last_.split; }
  uint64_t place() const override { return last_.place; }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    return windows_.WaitUntil([this] { return HasNext(); }, timeout);
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    ARROW_RETURN_NOT_OK(windows_.ReadUntil([this] { return HasNext(); }));
    if (!HasNext()) return Status::OK();
    last_ = keys_->asked().front();
    keys_->asked().pop_front();
    ARROW_ASSIGN_OR_RAISE(*out, windows_.Take(static_cast<int64_t>(last_.rows)));
    return Status::OK();
  }

  Status Close() override { return windows_.Close(); }

 private:
  bool HasNext() const {
    const auto& asked = keys_->asked();
    return !asked.empty() && windows_.rows() >= static_cast<int64_t>(asked.front().rows);
  }

  const std::shared_ptr<BlockKeys> keys_;
  batches::Rebatcher windows_;
  Block last_;
};

}  // namespace

Result<std::shared_ptr<SplitStream>> OpenSplits(const EpochRows& rows, const EpochOptions& options,
                                                const std::optional<EpochProgress>& start) {
  ARROW_ASSIGN_OR_RAISE(auto plan, stream::EpochPlan::Make(rows, options, start));
  auto keys = std::make_shared<BlockKeys>(stream::SplitBlocks(
      plan.sequence, options.reader, plan.start, static_cast<uint64_t>(options.batch_size)));
  ARROW_ASSIGN_OR_RAISE(
      auto taken,
      stream::TakeAhead(rows, options, [keys](uint64_t most, std::vector<uint64_t>* out) {
        return keys->Append(most, out);
      }));
  return std::make_shared<BlockStream>(std::move(keys), std::move(taken));
}

}  // namespace pilum
