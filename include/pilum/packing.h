// Packing: the rows of an epoch are documents of tokens, delivered as blocks of equal length.
//
//   pilum::EpochOptions options{.columns = {.names = {{"tokens"}}}, .num_splits = 8, .batch_size = 16};
//   auto rows = pilum::EpochRows::Find(snapshot).ValueOrDie();
//   auto blocks = pilum::EstimateBlocksPerEpoch(rows, options, 2048).ValueOrDie();
//   auto stream = pilum::OpenPacked(rows, options, {.block_tokens = 2048, .eos_id = 2,
//                                                   .blocks_per_split = blocks / 8}).ValueOrDie();
//   while (auto batch = stream->Next().ValueOrDie()) Train(*batch);
//
//   rows of a split   [7 8 9] [] [5 6]      eos 2, pad 0, blocks of 4 tokens
//   tokens            7 8 9 2 2 5 6 2
//   input_ids         7 8 9 2 | 2 5 6 2 | 0 0 0 0
//   doc_ids           0 0 0 0 | 0 1 1 1 | 0 0 0 0
//
// Splits, their order and whose they are is as in pilum/stream.h, with blocks instead of samples: block g
// of an epoch is block g / S of split g mod S, whoever delivers it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <arrow/result.h>

#include "pilum/scan.h"
#include "pilum/stream.h"

namespace pilum {

struct PackOptions {
  int64_t block_tokens = 0;  ///< of each block; 1 to 2^31 - 1
  int64_t eos_id = 0;        ///< comes after the tokens of each row
  int64_t pad_id = 0;        ///< fills blocks for which a split has no more tokens
  /// Each split has exactly so many, at least 1: tokens for which there is no block are left out.
  uint64_t blocks_per_split = 0;
};

/// How much of a packed epoch was delivered, for each of its splits.
struct PackProgress {
  std::vector<uint64_t> blocks;  ///< delivered
  /// The place in the split of the row that the next block begins in, the number of rows if there is
  /// none, and how many of that row's tokens were delivered: less than all, as its eos is one.
  std::vector<uint64_t> places;
  std::vector<uint64_t> offsets;

  static PackProgress Beginning(uint64_t num_splits);
  /// What two readers know together. Both must be of as many splits.
  void Merge(const PackProgress& other);

  bool operator==(const PackProgress&) const = default;
};

/// What blocks are made of.
struct PackCounts {
  uint64_t tokens = 0;      ///< of rows, with eos
  uint64_t pad_tokens = 0;  ///< others
  uint64_t rows = 0;        ///< whose eos is in the blocks

  bool operator==(const PackCounts&) const = default;
};

/// One reader's share of a packed epoch, a batch of blocks at a time. `input_ids` are the tokens; `doc_ids`
/// count the rows that begin in a block: what it begins with is 0, padding is as what is before it. Both are
/// fixed_size_list<int64>. `block`, uint64, is its number in the epoch. One consumer; progress and counts are
/// the consumer's, too.
class PackedStream : public BatchStream {
 public:
  /// Blocks of all readers.
  virtual uint64_t num_blocks() const = 0;

  /// What was delivered; splits of other readers are as at the start. The last `unused` blocks of the batch
  /// that was delivered last, at most all of it, are left out. Where batches are dealt, those before
  /// it count as delivered.
  virtual PackProgress progress(uint64_t unused = 0) const = 0;

  /// Of the blocks that this stream has delivered.
  virtual PackCounts counts() const = 0;
};

/// Streams the rest of a packed epoch after `start`, the whole of it by default, for which only the rows
/// that blocks begin in are read again. The options are those of OpenEpoch, with blocks instead of samples
/// in batches; all consumers of a deal read all tokens. kInvalidArgument: as OpenEpoch, and columns other
/// than one of lists of integers. Lists and tokens that are null, and tokens that int64 does not have, are
/// such errors when a block needs them.
arrow::Result<std::shared_ptr<PackedStream>> OpenPacked(
    const EpochRows& rows, const EpochOptions& options, const PackOptions& packing,
    const std::optional<PackProgress>& start = std::nullopt);

/// About how many blocks hold all tokens of an epoch: the same for each split, at least one. Reads a hundredth
/// of the rows, but at least 1000 and at most 100,000, which are the same whatever the options are.
arrow::Result<uint64_t> EstimateBlocksPerEpoch(const EpochRows& rows, const EpochOptions& options,
                                               int64_t block_tokens);

}  // namespace pilum
