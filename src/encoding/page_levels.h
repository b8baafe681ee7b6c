// The layers that a page declares, and its levels in their numbers: of the column's levels only
// those that occur in the page.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "encoding/leaf_rows.h"
#include "encoding/levels.h"

namespace pilum::encoding {

struct DeclaredLevels {
  std::vector<lance::encodings21::RepDefLayer> layers;  ///< innermost first
  std::span<const uint16_t> rep;                        ///< as given; empty without lists
  std::vector<uint16_t> def;                            ///< empty: all are valid
  uint16_t max_rep = 0;
  uint16_t max_def = 0;
  uint16_t max_visible = 0;  ///< levels up to this one own a slot

  bool IsVisible(uint64_t entry) const { return def.empty() || def[entry] <= max_visible; }
};

/// `rows` must outlive the result.
DeclaredLevels DeclareLevels(const LevelScheme& scheme, const LeafRows& rows);

}  // namespace pilum::encoding
