#include "batches/rebatcher.h"

#include "pilum/runtime.h"

namespace pilum::batches {

void Rebatcher::Read() {
  std::shared_ptr<arrow::RecordBatch> batch;
  failure_ = source_->ReadNext(&batch);
  ended_ = !failure_.ok() || !batch;
  if (ended_) return;
  rows_ += batch->num_rows();
  pieces_.push_back(std::move(batch));
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Rebatcher::Take(int64_t most) {
  const int64_t rows = std::min(rows_, most);
  if (rows == 0) return nullptr;
  arrow::RecordBatchVector taken;
  for (int64_t left = rows; left > 0; left -= taken.back()->num_rows()) {
    const arrow::RecordBatch& front = *pieces_.front();
    taken.push_back(
        front.Slice(taken_of_front_, std::min(left, front.num_rows() - taken_of_front_)));
    taken_of_front_ += taken.back()->num_rows();
    if (taken_of_front_ < front.num_rows()) continue;
    pieces_.erase(pieces_.begin());
    taken_of_front_ = 0;
  }
  rows_ -= rows;
  return taken.size() == 1 ? taken[0] : arrow::ConcatenateRecordBatches(taken, GetMemoryPool());
}

arrow::Status Rebatcher::Close() {
  ended_ = true;
  pieces_.clear();
  rows_ = taken_of_front_ = 0;
  return source_->Close();
}

}  // namespace pilum::batches
