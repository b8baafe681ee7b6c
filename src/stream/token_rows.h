// Lists of integers as tokens, whatever their types are.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/status.h>
#include <arrow/type.h>

namespace pilum::stream {

/// kInvalidArgument unless this is one column of lists of integers.
arrow::Status CheckTokens(const arrow::Schema& schema);

/// The rows of a batch of such a schema. Immutable.
class TokenRows {
 public:
  explicit TokenRows(const arrow::RecordBatch& batch);

  int64_t size() const { return static_cast<int64_t>(offsets_.size()) - 1; }
  /// Tokens of `rows` rows from `row` on.
  uint64_t Tokens(int64_t row, int64_t rows = 1) const {
    return static_cast<uint64_t>(offsets_[row + rows] - offsets_[row]);
  }
  /// Copies tokens of a row, `count` from the `first` on.
  void Copy(int64_t row, uint64_t first, uint64_t count, int64_t* out) const {
    copy_(*values_->data(), offsets_[row] + static_cast<int64_t>(first),
          static_cast<int64_t>(count), out);
  }
  /// kInvalidArgument if the row, or one of these tokens, cannot be packed.
  arrow::Status Check(int64_t row, uint64_t first, uint64_t count) const {
    return suspect_ ? CheckEach(row, first, count) : arrow::Status::OK();
  }

 private:
  arrow::Status CheckEach(int64_t row, uint64_t first, uint64_t count) const;

  std::shared_ptr<arrow::Array> lists_;
  std::shared_ptr<arrow::Array> values_;
  std::vector<int64_t> offsets_;  // in the values
  void (*copy_)(const arrow::ArrayData& values, int64_t first, int64_t count, int64_t* out);
  bool suspect_;  // not all rows and tokens are known to be in order
};

}  // namespace pilum::stream
