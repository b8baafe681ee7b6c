// Names in SQL to columns of a schema.
#pragma once

#include "filter/ast.h"
#include "filter/program.h"
#include "filter/source_text.h"

namespace pilum::filter {

/// The field that a column node names: by its exact name, else by the only one that differs in
/// letter case. The error for an unknown name suggests the nearest.
arrow::Result<Input> FindColumn(const SourceText& source, const Node& node,
                                const arrow::Schema& schema);

}  // namespace pilum::filter
