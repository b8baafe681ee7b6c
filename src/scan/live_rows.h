// Live rows as runs of physical rows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataset/fragment_rows.h"
#include "scan/batch_read.h"

namespace pilum::scan {

/// The physical runs of live rows [first, first + count) of a fragment, with slots from 0.
std::vector<Run> LiveRuns(const dataset::DeletionVector& deletions, uint64_t first, uint64_t count);

/// The rows at `positions` (ascending) among those of `runs`, as runs with slots from 0.
std::vector<Run> SelectRuns(std::span<const Run> runs, std::span<const uint32_t> positions);

}  // namespace pilum::scan
