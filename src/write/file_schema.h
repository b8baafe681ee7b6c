// A table's schema as data files have it: which fields are columns, and what a file says of itself.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/status.h>

#include "dataset/manifest.h"
#include "dataset/schema.h"
#include "file/field_tree.h"
#include "lance/file.pb.h"

namespace pilum::write {

/// kUnsupported for schemas that tables can have and this version does not write.
arrow::Status CheckWritable(const dataset::Schema& schema);

/// What a file says of the fields of its columns.
lance::file::Schema FileSchema(const dataset::Schema& schema);

std::vector<file::FieldNode> FieldNodes(const dataset::Schema& schema);

/// The ids of the fields that are columns of a file, in their order.
std::vector<int32_t> ColumnIds(const dataset::Schema& schema, dataset::FileVersion version);

}  // namespace pilum::write
