// Which rows of a version are in which split, before they are shuffled.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/result.h>

#include "permutation/row_id_list.h"
#include "pilum/order.h"
#include "pilum/permutation.h"

namespace pilum::permutation {

/// The rows of a split: those at positions [first, first + size) of `order`, which counts rows of
/// `ids`.
struct SplitRows {
  uint64_t split_id = 0;
  std::shared_ptr<const RowIdList> ids;
  RowOrder order;
  uint64_t first = 0;
  uint64_t size = 0;
};

/// The splits in ascending order.
arrow::Result<std::vector<SplitRows>> FindSplitRows(const Snapshot& snapshot,
                                                    const PermutationOptions& options);

}  // namespace pilum::permutation
