// Syntax tree and schema to a program.
#pragma once

#include <memory>

#include "filter/ast.h"
#include "filter/program.h"
#include "filter/source_text.h"

namespace pilum::filter {

/// Resolves names and types; a `predicate` must come out boolean.
arrow::Result<std::unique_ptr<const Program>> Bind(const SourceText& source, const Node& root,
                                                   const arrow::Schema& schema, bool predicate);

}  // namespace pilum::filter
