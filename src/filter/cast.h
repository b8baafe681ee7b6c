// CAST: the types that SQL names, and how values become them.
//
// A value that the type cannot hold is an error of the evaluation. Fractions round when the type is
// a decimal and are cut off when it is an integer.
#pragma once

#include "filter/value.h"

namespace pilum::filter {

/// CAST(value AS name).
arrow::Result<Value> CastToNamedType(const SourceText& source, uint32_t offset, const Value& value,
                                     const TypeName& name);

}  // namespace pilum::filter
