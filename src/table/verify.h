// Whether all of a version can be read.
#pragma once

#include <memory>

#include "pilum/inspect.h"
#include "scan/dataset_reader.h"

namespace pilum::table {

/// Decodes every column of every fragment, deleted rows included, one column of one fragment after
/// the other.
arrow::Result<VerifyReport> VerifyVersion(const std::shared_ptr<const scan::DatasetReader>& dataset,
                                          const VerifyProgress& progress);

}  // namespace pilum::table
