// LeafRows: the rows of one leaf column on their way into a page.
//
// The mirror image of what a LeafBuilder yields: values have slots, nulls included, and nested
// columns have levels.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <arrow/array.h>
#include <arrow/buffer.h>

#include "encoding/codec.h"

namespace pilum::encoding {

struct LeafRows {
  uint64_t rows = 0;
  uint64_t entries = 0;       ///< levels, if there are any: rows and more items, ends of lists
  std::vector<uint16_t> rep;  ///< per entry, or empty: every entry is a row
  std::vector<uint16_t> def;  ///< per entry, in the scheme's numbers, or empty: all are valid
  uint64_t slots = 0;         ///< entries that own a value, be it null
  Values values;              ///< of the slots; those of nulls may be anything
  std::shared_ptr<arrow::Array> dictionary;  ///< the values are keys into it
  /// The values are rows of packed structs without a fixed width, encoded already, in this way.
  std::optional<Wire> row_wire;

  std::vector<std::shared_ptr<arrow::Buffer>> memory;  ///< what `values` points into
};

}  // namespace pilum::encoding
