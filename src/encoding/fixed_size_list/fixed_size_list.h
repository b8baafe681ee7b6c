// Fixed-size lists: d items per value, stored as the items side by side.
//
//   mini-block   for each list level that has validity, outermost first, a bitmap of its items;
//                then the innermost items, flat. Items of bool are single bits, so rows need not
//                start at bytes.
//
// Lists nest: a list of 3 lists of 2 floats is 6 floats per value, with an item bitmap for each
// level.
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kFixedSizeList;

/// The list levels of a descriptor, for full-zip pages, which store them row by row.
struct ListLevels {
  std::vector<uint64_t> sizes;     ///< outermost first
  std::vector<bool> has_validity;  ///< of the items of each level
  const Wire* items = nullptr;     ///< the encoding of the innermost items
};
arrow::Result<ListLevels> ReadListLevels(const Wire& wire);

}  // namespace pilum::encoding
