// The tokens of one split that have arrived, and from where on they were not taken.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include <arrow/status.h>

#include "stream/token_rows.h"

namespace pilum::stream {

/// A row of a split, and how many of its tokens were taken: fewer than it has with its eos.
struct TokenPlace {
  uint64_t place = 0;
  uint64_t offset = 0;
};

/// Tokens of one row that follow each other, and its eos where that is next.
struct Piece {
  const TokenRows* rows;  ///< valid until more is taken
  int64_t row;
  uint64_t first;
  uint64_t count;
  bool eos;
};

/// Not thread-safe.
class TokenQueue {
 public:
  explicit TokenQueue(const TokenPlace& next) : next_(next) {}

  /// Rows that come next in the split. Returns how many tokens these are, each eos included.
  uint64_t Put(std::shared_ptr<const TokenRows> rows, int64_t first, int64_t count);

  /// Those that were put and not taken, each eos included.
  uint64_t tokens() const { return tokens_; }
  const TokenPlace& next() const { return next_; }

  /// At most `most`, at least 1, of them; there must be some. kInvalidArgument if a row cannot be
  /// packed, or has no token where it is to be continued: then next() is in it.
  arrow::Status Take(uint64_t most, Piece* piece);

 private:
  struct Slice {
    std::shared_ptr<const TokenRows> rows;
    int64_t next;
    int64_t end;
  };

  TokenPlace next_;
  uint64_t tokens_ = 0;
  std::deque<Slice> slices_;
};

}  // namespace pilum::stream
