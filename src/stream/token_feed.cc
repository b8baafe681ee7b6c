#include "stream/token_feed.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

namespace pilum::stream {
namespace {

// Before a row was seen, a block is taken for so many.
constexpr uint64_t kRowsPerBlock = 16;
// Rows of one split that are asked for at a time, at most: whose turn it is costs time.
constexpr double kMostRows = 64;
// How long rows are may change within a split, so those before some hundred count less and less.
constexpr double kRowsRemembered = 256;

}  // namespace

TokenFeed::TokenFeed(order::EpochSequence sequence, const EpochReader& reader,
                     const PackOptions& packing, const PackProgress& start)
    : sequence_(std::move(sequence)),
      world_size_(reader.world_size),
      block_tokens_(static_cast<uint64_t>(packing.block_tokens)) {
  for (uint64_t i = reader.rank; i < sequence_.num_splits(); i += world_size_) {
    splits_.push_back({.number = i,
                       .queue = TokenQueue({start.places[i], start.offsets[i]}),
                       .place = start.places[i],
                       .wanted = (packing.blocks_per_split - start.blocks[i]) * block_tokens_});
  }
}

double TokenFeed::TokensPerRow(const Split& split) const {
  if (split.seen_rows > 0) return split.seen_tokens / split.seen_rows;
  return static_cast<double>(std::max<uint64_t>(1, block_tokens_ / kRowsPerBlock));
}

double TokenFeed::Missing(const Split& split) const {
  return static_cast<double>(split.wanted) -
         static_cast<double>(split.outstanding) * TokensPerRow(split);
}

TokenFeed::Split* TokenFeed::Neediest() {
  Split* neediest = nullptr;
  double most = 0;
  for (Split& split : splits_) {
    // Each row has at least its eos.
    if (split.place == sequence_.rows_per_split() || split.wanted <= split.outstanding) continue;
    const double missing = Missing(split);
    if (neediest && missing <= most) continue;
    neediest = &split;
    most = missing;
  }
  return neediest;
}

void TokenFeed::Append(uint64_t most, std::vector<uint64_t>* rows) {
  for (const size_t end = rows->size() + most; rows->size() < end;) {
    Split* const split = Neediest();
    // Where probably nothing is missing, a row keeps the rows coming until that is certain.
    if (!split || (Missing(*split) <= 0 && rows->size() > end - most)) return;
    Ask(split, end - rows->size(), rows);
  }
}

void TokenFeed::Ask(Split* split, uint64_t most, std::vector<uint64_t>* rows) {
  const double tokens = std::min(Missing(*split), static_cast<double>(block_tokens_));
  const double enough = std::clamp(std::ceil(tokens / TokensPerRow(*split)), 1.0, kMostRows);
  const uint64_t count =
      std::min({static_cast<uint64_t>(enough), most, sequence_.rows_per_split() - split->place});
  const size_t first = rows->size();
  rows->resize(first + count);
  sequence_.FillSplit(split->number, split->place, std::span<uint64_t>(*rows).subspan(first));
  split->place += count;
  split->outstanding += count;
  if (asked_.empty() || asked_.back().split != split->number) asked_.push_back({split->number, 0});
  asked_.back().rows += count;
}

void TokenFeed::Put(const std::shared_ptr<const TokenRows>& rows) {
  for (int64_t row = 0; row < rows->size();) {
    Run& run = asked_.front();
    const int64_t count = std::min(static_cast<int64_t>(run.rows), rows->size() - row);
    Arrive(&splits_[run.split / world_size_], rows, row, count);
    row += count;
    run.rows -= static_cast<uint64_t>(count);
    if (run.rows == 0) asked_.pop_front();
  }
}

void TokenFeed::Arrive(Split* split, std::shared_ptr<const TokenRows> rows, int64_t first,
                       int64_t count) {
  const uint64_t tokens = split->queue.Put(std::move(rows), first, count);
  split->wanted -= std::min(split->wanted, tokens);
  split->outstanding -= static_cast<uint64_t>(count);
  if (split->seen_rows >= kRowsRemembered) {
    split->seen_rows /= 2;
    split->seen_tokens /= 2;
  }
  split->seen_rows += static_cast<double>(count);
  split->seen_tokens += static_cast<double>(tokens);
}

bool TokenFeed::HasBlock(uint64_t split) const {
  const Split& of = splits_[split / world_size_];
  return of.queue.tokens() >= block_tokens_ ||
         (of.place == sequence_.rows_per_split() && of.outstanding == 0);
}

}  // namespace pilum::stream
