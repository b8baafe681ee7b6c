// Take: rows by key, in any order.
#pragma once

#include <memory>
#include <span>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "pilum/scan.h"
#include "scan/dataset_reader.h"
#include "scan/projection.h"

namespace pilum::scan {

/// The rows with these keys, in the order given. A key that no live row has is an IndexError.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> TakeRows(
    std::shared_ptr<const DatasetReader> dataset, std::shared_ptr<const Projection> projection,
    std::span<const uint64_t> keys, RowKey kind);

}  // namespace pilum::scan
