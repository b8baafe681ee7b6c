// Where the rows with given keys are.
#pragma once

#include <cstdint>
#include <span>

#include <arrow/result.h>

#include "pilum/scan.h"
#include "scan/batch_read.h"
#include "scan/dataset_reader.h"

namespace pilum::scan {

/// The rows with these keys, each in the slot that is its key's number. A key that no live row has
/// is an IndexError. May read deletion files and row ids, which the dataset keeps.
arrow::Result<RowSelection> SelectRows(const DatasetReader& dataset, std::span<const uint64_t> keys,
                                       RowKey kind);

}  // namespace pilum::scan
