#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array/array_nested.h>
#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include "order/epoch_sequence.h"
#include "pilum/error.h"
#include "pilum/packing.h"
#include "stream/epoch_plan.h"
#include "stream/pack_block.h"
#include "stream/token_feed.h"
#include "stream/token_queue.h"
#include "stream/token_rows.h"

namespace pilum {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;
using Clock = std::chrono::steady_clock;
using stream::TokenFeed;
using stream::TokenPlace;
using stream::TokenQueue;

Status Invalid(std::string message) {
  return MakeError(ErrorKind::kInvalidArgument, std::move(message));
}

/// All numbers of tokens of an epoch, and of their bytes, are then below 2^63.
Status CheckPacking(const PackOptions& packing, uint64_t num_splits) {
  if (packing.block_tokens < 1 || packing.block_tokens > INT32_MAX) {
    return Invalid("block_tokens must be at least 1, not " + std::to_string(packing.block_tokens) +
                   ", and less than 2^31");
  }
  const uint64_t most =
      INT64_MAX / sizeof(int64_t) / static_cast<uint64_t>(packing.block_tokens) / num_splits;
  if (packing.blocks_per_split >= 1 && packing.blocks_per_split <= most) return Status::OK();
  return Invalid("blocks_per_split must be at least 1, not " +
                 std::to_string(packing.blocks_per_split) + ", and at most " +
                 std::to_string(most));
}

Status CheckStart(const PackProgress& start, const PackOptions& packing,
                  const order::EpochSequence& sequence) {
  const uint64_t splits = sequence.num_splits();
  if (start.blocks.size() != splits || start.places.size() != splits ||
      start.offsets.size() != splits) {
    return Invalid("num_splits mismatch: the progress is of " +
                   std::to_string(start.blocks.size()) + " splits, the epoch has " +
                   std::to_string(splits));
  }
  const uint64_t rows = sequence.rows_per_split();
  for (size_t i = 0; i < splits; ++i) {
    if (start.blocks[i] > packing.blocks_per_split || start.places[i] > rows ||
        (start.places[i] == rows && start.offsets[i] > 0)) {
      return Invalid("the progress of split " + std::to_string(i) + " is " +
                     std::to_string(start.blocks[i]) + " blocks, place " +
                     std::to_string(start.places[i]) + ", offset " +
                     std::to_string(start.offsets[i]) + ", but it has " +
                     std::to_string(packing.blocks_per_split) + " blocks and " +
                     std::to_string(rows) + " rows");
    }
  }
  return Status::OK();
}

std::shared_ptr<arrow::DataType> BlockType(int64_t block_tokens) {
  return arrow::fixed_size_list(arrow::field("item", arrow::int64(), /*nullable=*/false),
                                static_cast<int32_t>(block_tokens));
}

/// Blocks that become a batch.
class BatchBuilder {
 public:
  static Result<BatchBuilder> Make(const PackOptions& packing, uint64_t blocks) {
    BatchBuilder made(packing);
    const int64_t bytes = static_cast<int64_t>(blocks * sizeof(int64_t)) * packing.block_tokens;
    ARROW_ASSIGN_OR_RAISE(made.input_ids_, arrow::AllocateBuffer(bytes, GetMemoryPool()));
    ARROW_ASSIGN_OR_RAISE(made.doc_ids_, arrow::AllocateBuffer(bytes, GetMemoryPool()));
    ARROW_ASSIGN_OR_RAISE(
        made.numbers_,
        arrow::AllocateBuffer(static_cast<int64_t>(blocks * sizeof(uint64_t)), GetMemoryPool()));
    return made;
  }

  uint64_t blocks() const { return blocks_; }
  const PackCounts& counts() const { return counts_; }

  /// There must be room for it.
  Status Add(uint64_t number, TokenQueue* queue) {
    const auto at = static_cast<int64_t>(blocks_) * packing_.block_tokens;
    ARROW_RETURN_NOT_OK(stream::PackBlock(packing_, queue,
                                          input_ids_->mutable_data_as<int64_t>() + at,
                                          doc_ids_->mutable_data_as<int64_t>() + at, &counts_));
    numbers_->mutable_data_as<uint64_t>()[blocks_++] = number;
    return Status::OK();
  }

  std::shared_ptr<RecordBatch> Finish(std::shared_ptr<arrow::Schema> schema) {
    const auto rows = static_cast<int64_t>(blocks_);
    arrow::ArrayVector columns;
    for (auto* tokens : {&input_ids_, &doc_ids_}) {
      auto values =
          std::make_shared<arrow::Int64Array>(rows * packing_.block_tokens, std::move(*tokens));
      columns.push_back(std::make_shared<arrow::FixedSizeListArray>(
          BlockType(packing_.block_tokens), rows, std::move(values)));
    }
    columns.push_back(std::make_shared<arrow::UInt64Array>(rows, std::move(numbers_)));
    return RecordBatch::Make(std::move(schema), rows, std::move(columns));
  }

 private:
  explicit BatchBuilder(const PackOptions& packing) : packing_(packing) {}

  PackOptions packing_;
  std::shared_ptr<arrow::Buffer> input_ids_;
  std::shared_ptr<arrow::Buffer> doc_ids_;
  std::shared_ptr<arrow::Buffer> numbers_;
  uint64_t blocks_ = 0;
  PackCounts counts_;
};

/// Makes blocks of the tokens that arrive, in turns of the splits, and batches of the blocks.
class PackingStream final : public PackedStream {
 public:
  PackingStream(const EpochRows& rows, const order::EpochSequence& sequence,
                const EpochOptions& options, const PackOptions& packing, PackProgress start,
                std::shared_ptr<TokenFeed> feed, std::shared_ptr<BatchStream> taken)
      : rows_(rows),
        sequence_(sequence),
        packing_(packing),
        deal_(options.deal),
        whole_batches_(options.whole_batches),
        batch_blocks_(static_cast<uint64_t>(options.batch_size)),
        schema_(arrow::schema(
            {arrow::field("input_ids", BlockType(packing.block_tokens), /*nullable=*/false),
             arrow::field("doc_ids", BlockType(packing.block_tokens), /*nullable=*/false),
             arrow::field("block", arrow::uint64(), /*nullable=*/false)})),
        delivered_(std::move(start)),
        next_blocks_(delivered_.blocks),
        turns_(options.reader, delivered_.blocks),
        turn_(turns_.Next()),
        feed_(std::move(feed)),
        taken_(std::move(taken)) {
    for (uint64_t i = options.reader.rank; i < sequence.num_splits();
         i += options.reader.world_size)
      left_ += packing.blocks_per_split - delivered_.blocks[i];
    skip_ = BlocksOf(deal_.index);
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  uint64_t num_blocks() const override {
    return sequence_.num_splits() * packing_.blocks_per_split;
  }
  PackCounts counts() const override { return counts_; }

  PackProgress progress(uint64_t unused) const override {
    PackProgress used = delivered_;
    const size_t end = last_.size();
    for (size_t i = end; i > end - std::min(unused, last_blocks_); --i) {
      const Made& block = last_[i - 1];
      --used.blocks[block.split];
      used.places[block.split] = block.begin.place;
      used.offsets[block.split] = block.begin.offset;
    }
    return used;
  }

  bool WaitNext(std::chrono::milliseconds timeout) override {
    const auto until = Clock::now() + timeout;
    while (!Advance()) {
      const auto rest = std::max(until - Clock::now(), Clock::duration::zero());
      if (!taken_->WaitNext(std::chrono::ceil<std::chrono::milliseconds>(rest))) return false;
      Receive();
    }
    return true;
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    while (!Advance()) Receive();
    // Blocks before one that failed are a batch where that need not be whole.
    last_blocks_ = builder_ && (failure_.ok() || !whole_batches_) ? builder_->blocks() : 0;
    if (last_blocks_ == 0) return failure_;
    Deliver();
    *out = builder_->Finish(schema_);
    builder_.reset();
    skip_ = BlocksOf(deal_.count - 1);
    return Status::OK();
  }

  Status Close() override {
    builder_.reset();
    left_ = 0;
    return taken_->Close();
  }

 private:
  /// A block, and where it is in its split.
  struct Made {
    uint64_t split;
    TokenPlace begin;
    TokenPlace end;
  };

  /// Blocks of so many batches, as far as there are any.
  uint64_t BlocksOf(uint64_t batches) const {
    return batches > left_ / batch_blocks_ ? left_ : batches * batch_blocks_;
  }

  /// Makes blocks of what has arrived. False if that is not enough for the next batch.
  bool Advance() {
    while (failure_.ok() && left_ > 0 && !(builder_ && builder_->blocks() == batch_blocks_)) {
      if (!feed_->HasBlock(turn_)) return builder_ && !whole_batches_;
      failure_ = NextBlock();
    }
    return true;
  }

  Status NextBlock() {
    TokenQueue& queue = feed_->queue(turn_);
    const TokenPlace begin = queue.next();
    const uint64_t number = next_blocks_[turn_]++ * sequence_.num_splits() + turn_;
    if (skip_ > 0) {
      --skip_;
      ARROW_RETURN_NOT_OK(Explain(stream::SkipBlock(packing_, &queue)));
    } else {
      if (!builder_) {
        ARROW_ASSIGN_OR_RAISE(builder_,
                              BatchBuilder::Make(packing_, std::min(batch_blocks_, left_)));
      }
      ARROW_RETURN_NOT_OK(Explain(builder_->Add(number, &queue)));
    }
    made_.push_back({turn_, begin, queue.next()});
    if (--left_ > 0) turn_ = turns_.Next();
    return Status::OK();
  }

  /// An error of a row as one of the column.
  Status Explain(const Status& status) const {
    if (status.ok()) return status;
    const uint64_t place = feed_->queue(turn_).next().place;
    const uint64_t row = rows_.OffsetAt(sequence_.RowAt(place * sequence_.num_splits() + turn_));
    return MakeError(GetErrorKind(status), "column '" + taken_->schema()->field(0)->name() +
                                               "' has " + status.message() + " (row " +
                                               std::to_string(row) + ")");
  }

  void Receive() {
    auto rows = taken_->Next();
    if (!rows.ok()) {
      failure_ = rows.status();
    } else if (!*rows) {
      failure_ = MakeError(ErrorKind::kInternal, "there are fewer rows than blocks need");
    } else {
      feed_->Put(std::make_shared<const stream::TokenRows>(**rows));
    }
  }

  void Deliver() {
    last_ = std::exchange(made_, {});
    for (const Made& block : last_) {
      ++delivered_.blocks[block.split];
      delivered_.places[block.split] = block.end.place;
      delivered_.offsets[block.split] = block.end.offset;
    }
    counts_.tokens += builder_->counts().tokens;
    counts_.pad_tokens += builder_->counts().pad_tokens;
    counts_.rows += builder_->counts().rows;
  }

  const EpochRows rows_;
  const order::EpochSequence sequence_;
  const PackOptions packing_;
  const Deal deal_;
  const bool whole_batches_;
  const uint64_t batch_blocks_;
  const std::shared_ptr<arrow::Schema> schema_;

  PackProgress delivered_;
  PackCounts counts_;
  std::vector<uint64_t> next_blocks_;  // of each split, to be made
  std::vector<Made> last_;    // blocks of the last batch, behind those that others of the deal have
  uint64_t last_blocks_ = 0;  // of these those of the batch

  order::Turns turns_;
  uint64_t turn_;           // the split of the next block
  uint64_t left_ = 0;       // blocks to come
  uint64_t skip_ = 0;       // of these the next ones, which others of the deal have
  std::vector<Made> made_;  // since the last batch
  std::optional<BatchBuilder> builder_;
  Status failure_;
  const std::shared_ptr<TokenFeed> feed_;
  const std::shared_ptr<BatchStream> taken_;
};

}  // namespace

PackProgress PackProgress::Beginning(uint64_t num_splits) {
  const std::vector<uint64_t> none(num_splits);
  return {none, none, none};
}

void PackProgress::Merge(const PackProgress& other) {
  for (size_t split = 0; split < blocks.size(); ++split) {
    if (other.blocks[split] <= blocks[split]) continue;
    blocks[split] = other.blocks[split];
    places[split] = other.places[split];
    offsets[split] = other.offsets[split];
  }
}

Result<std::shared_ptr<PackedStream>> OpenPacked(const EpochRows& rows, const EpochOptions& options,
                                                 const PackOptions& packing,
                                                 const std::optional<PackProgress>& start) {
  ARROW_ASSIGN_OR_RAISE(const auto plan, stream::EpochPlan::Make(rows, options, std::nullopt));
  ARROW_RETURN_NOT_OK(stream::CheckDeal(options));
  ARROW_RETURN_NOT_OK(CheckPacking(packing, options.num_splits));
  const PackProgress from = start ? *start : PackProgress::Beginning(options.num_splits);
  ARROW_RETURN_NOT_OK(CheckStart(from, packing, plan.sequence));
  auto feed = std::make_shared<TokenFeed>(plan.sequence, options.reader, packing, from);
  ARROW_ASSIGN_OR_RAISE(
      auto taken,
      stream::TakeAhead(rows, options, [feed](uint64_t most, std::vector<uint64_t>* out) {
        feed->Append(most, out);
        return Status::OK();
      }));
  ARROW_RETURN_NOT_OK(stream::CheckTokens(*taken->schema()));
  return std::make_shared<PackingStream>(rows, plan.sequence, options, packing, from,
                                         std::move(feed), std::move(taken));
}

}  // namespace pilum
