// Entry point of the module for fuzzing.
#pragma once

#include <cstddef>
#include <span>

namespace pilum::scan {

/// u32 size, manifest | data file. Every data file that the manifest names is the one given; all
/// columns are read in order, and some rows in another order. Ends the program if what comes out is
/// no valid record batch.
void FuzzTable(std::span<const std::byte> bytes);

}  // namespace pilum::scan
