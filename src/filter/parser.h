// Prepared SQL to the syntax tree, by way of libpg_query.
#pragma once

#include <arrow/result.h>

#include "filter/ast.h"
#include "filter/scanner.h"
#include "filter/source_text.h"

namespace pilum::filter {

/// Safe to call from many threads. The tree refers to the lists of `prepared`.
arrow::Result<NodePtr> ParseSql(const SourceText& source, const PreparedSql& prepared);

}  // namespace pilum::filter
