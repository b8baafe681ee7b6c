// How large rows are, by the metadata of a fragment's files.
#pragma once

#include <cstdint>

#include <arrow/result.h>

#include "scan/dataset_reader.h"
#include "scan/projection.h"

namespace pilum::scan {

/// Bytes of one decoded row of the projection, estimated; at least 1. Fixed-width columns count
/// their width, others what they take in the fragment's files.
arrow::Result<uint64_t> EstimateRowBytes(const DatasetReader& dataset, const Projection& projection,
                                         size_t fragment);

}  // namespace pilum::scan
