#include "stream/token_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pilum/error.h"

namespace pilum::stream {

uint64_t TokenQueue::Put(std::shared_ptr<const TokenRows> rows, int64_t first, int64_t count) {
  uint64_t tokens = rows->Tokens(first, count) + static_cast<uint64_t>(count);
  // Only a row that a progress begins in was taken in part before it came.
  if (tokens_ == 0) tokens -= std::min(next_.offset, rows->Tokens(first));
  slices_.push_back({std::move(rows), first, first + count});
  tokens_ += tokens;
  return tokens;
}

arrow::Status TokenQueue::Take(uint64_t most, Piece* piece) {
  if (slices_.front().next == slices_.front().end) slices_.pop_front();
  Slice& slice = slices_.front();
  const uint64_t length = slice.rows->Tokens(slice.next);
  if (next_.offset > length) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "a row of " + std::to_string(length) + " tokens, of which " +
                         std::to_string(next_.offset) + " were delivered");
  }
  const uint64_t left = length - next_.offset;
  const uint64_t count = std::min(left, most);
  ARROW_RETURN_NOT_OK(slice.rows->Check(slice.next, next_.offset, count));
  *piece = {slice.rows.get(), slice.next, next_.offset, count, count == left && count < most};
  tokens_ -= count + piece->eos;
  next_.offset += count;
  if (piece->eos) {
    next_ = {next_.place + 1, 0};
    ++slice.next;
  }
  return arrow::Status::OK();
}

}  // namespace pilum::stream
