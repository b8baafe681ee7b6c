#include "scan/take.h"

#include <utility>

#include "pilum/error.h"
#include "scan/batch_read.h"
#include "scan/row_locator.h"

namespace pilum::scan {
namespace {

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(
    std::shared_ptr<const DatasetReader> dataset, std::shared_ptr<const Projection> projection,
    std::span<const uint64_t> keys, RowKey kind) {
  ARROW_ASSIGN_OR_RAISE(RowSelection rows, SelectRows(*dataset, keys, kind));
  ARROW_ASSIGN_OR_RAISE(
      auto read, BatchRead::Make(std::move(dataset), std::move(projection), std::move(rows)));
  return read->Run();
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
    std::shared_ptr<const DatasetReader> dataset, std::shared_ptr<const Projection> projection,
    std::span<const uint64_t> keys, RowKey kind) {
  const uint64_t version = dataset->manifest().version;
  auto batch = Take(std::move(dataset), std::move(projection), keys, kind);
  if (!batch.ok()) return WithContext(batch.status(), {.version = version});
  return batch;
}

}  // namespace pilum::scan
