#include "stream/rebatcher.h"

#include "pilum/runtime.h"

namespace pilum::stream {

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
    arrow::RecordBatch& front = *pieces_.front();
    taken.push_back(front.Slice(0, std::min(left, front.num_rows())));
    if (taken.back()->num_rows() < front.num_rows()) {
      pieces_.front() = front.Slice(taken.back()->num_rows());
    } else {
      pieces_.erase(pieces_.begin());
    }
  }
  rows_ -= rows;
  return taken.size() == 1 ? taken[0] : arrow::ConcatenateRecordBatches(taken, GetMemoryPool());
}

}  // namespace pilum::stream
