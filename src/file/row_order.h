// Rows wanted in any order, read in storage order.
#pragma once

#include <memory>
#include <vector>

#include <arrow/array.h>
#include <arrow/result.h>

#include "file/field_tree.h"

namespace pilum::file {

struct OrderedRows {
  std::shared_ptr<const std::vector<Segment>> segments;  ///< each row once, slots ascending
  int64_t num_rows = 0;                                  ///< distinct
  std::shared_ptr<arrow::Array> permutation;  ///< int64 per wanted slot: where it was read to
};

/// Reorders `segments`, whose runs name `num_rows` slots, for readers that can only append.
arrow::Result<OrderedRows> OrderRows(const std::vector<Segment>& segments, int64_t num_rows);

}  // namespace pilum::file
