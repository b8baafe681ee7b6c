// Leaves that a fragment has no column for, beside others of the same field that it has.
//
// A struct or list exists where any of its leaves says so; what is null is the missing part alone.
// The missing leaf therefore gets the structure of a sibling, down to where their paths part:
//
//   m: struct<x, y> in a fragment without m.x
//   y: valid   | null y | null m
//   x: null x  | null x | null m
#pragma once

#include <cstddef>

#include <arrow/status.h>

#include "encoding/leaf_builder.h"

namespace pilum::file {

/// Appends to `builder` the entries of `sibling` from `first_entry` on: what they say of the
/// `shared_layers` outermost layers, which both columns have in common, and null below. Both are
/// nested.
arrow::Status AppendMissing(const encoding::LeafBuilder& sibling, size_t first_entry,
                            size_t shared_layers, encoding::LeafBuilder* builder);

}  // namespace pilum::file
