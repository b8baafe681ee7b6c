// Picking rows out of levels: which entries and values belong to a range of rows.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>

#include <arrow/status.h>

#include "encoding/leaf_builder.h"
#include "encoding/levels.h"
#include "encoding/page_layout/page_layout.h"

namespace pilum::encoding {

/// A stretch of entries with their levels, e.g. those of one chunk.
struct LevelStretch {
  std::span<const uint16_t> rep;  ///< empty: every entry starts a row
  std::span<const uint16_t> def;  ///< empty: every entry is valid
  uint64_t entries = 0;
  uint64_t first_row = 0;  ///< the row of the first entry
  bool continues = false;  ///< that row started in an earlier stretch
};

/// How many of the entries own a value slot.
inline uint64_t CountVisible(const PageLevels& levels, std::span<const uint16_t> def,
                             uint64_t entries) {
  if (def.empty()) return entries;
  uint64_t visible = 0;
  for (uint16_t level : def) visible += level <= levels.max_visible;
  return visible;
}

/// Appends levels and values of the selected rows in the stretch to a nested builder. `runs` ascend
/// and do not overlap; rows outside the stretch are skipped. put(slot, first, n) puts values
/// [first, first + n) of the stretch.
template <typename PutValues>
arrow::Status AppendRows(const PageLevels& levels, const LevelStretch& stretch,
                         std::span<const Run> runs, LeafBuilder* builder, const PutValues& put) {
  uint64_t value = 0;  // of the first entry not yet passed
  uint64_t passed = 0;
  const auto skip_to = [&](uint64_t entry) {
    value += CountVisible(
        levels, stretch.def.empty() ? stretch.def : stretch.def.subspan(passed, entry - passed),
        entry - passed);
    passed = entry;
  };
  const auto append = [&](uint64_t begin, uint64_t end) -> arrow::Status {
    skip_to(begin);
    const uint64_t first_value = value;
    skip_to(end);
    const auto part = [&](std::span<const uint16_t> all) {
      return all.empty() ? all : all.subspan(begin, end - begin);
    };
    ARROW_RETURN_NOT_OK(
        builder->AppendLevels(levels, part(stretch.rep), part(stretch.def), end - begin));
    ARROW_ASSIGN_OR_RAISE(int64_t slot,
                          builder->AppendSlots(static_cast<int64_t>(value - first_value)));
    return put(slot, first_value, value - first_value);
  };

  if (stretch.rep.empty()) {
    for (const Run& run : runs) {
      const uint64_t begin = std::max(run.row, stretch.first_row);
      const uint64_t end = std::min(run.row + run.count, stretch.first_row + stretch.entries);
      if (begin < end)
        ARROW_RETURN_NOT_OK(append(begin - stretch.first_row, end - stretch.first_row));
    }
    return arrow::Status::OK();
  }

  const uint16_t row_level = builder->scheme().num_lists();
  size_t run = 0;
  uint64_t row = stretch.first_row;
  bool selected = false;
  uint64_t begin = 0;
  for (uint64_t entry = 0; entry < stretch.entries; ++entry) {
    const bool starts = stretch.rep[entry] == row_level;
    if (entry > 0 && !starts) continue;
    if (entry > 0 || (starts && stretch.continues)) ++row;
    while (run < runs.size() && row >= runs[run].row + runs[run].count) ++run;
    const bool now = run < runs.size() && row >= runs[run].row;
    if (selected && !now) ARROW_RETURN_NOT_OK(append(begin, entry));
    if (!selected && now) begin = entry;
    selected = now;
  }
  return selected ? append(begin, stretch.entries) : arrow::Status::OK();
}

}  // namespace pilum::encoding
