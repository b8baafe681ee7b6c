// What the stored columns of a version are made of.
#pragma once

#include <vector>

#include "pilum/inspect.h"
#include "scan/dataset_reader.h"

namespace pilum::table {

arrow::Result<std::vector<ColumnReport>> InspectColumns(const scan::DatasetReader& dataset);

}  // namespace pilum::table
