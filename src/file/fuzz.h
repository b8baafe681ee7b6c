// Entry points for fuzzing: each feeds bytes to one parser, looks at what comes out and ignores
// errors.
#pragma once

#include <cstddef>
#include <span>

namespace pilum::file {

/// The bytes are a data file: its footer, tables and the description of every page.
void FuzzDataFile(std::span<const std::byte> bytes);

/// The bytes are a JSONB document. Ends the program if what it becomes is not UTF-8.
void FuzzJsonb(std::span<const std::byte> bytes);

/// u8 number of layers | u8 per layer, odd = list | entries of u8 repetition, u8 definition level.
/// Levels out of range, and those that would continue a row before one started, are left out.
/// Ends the program if the layers do not fit together.
void FuzzLevels(std::span<const std::byte> bytes);

}  // namespace pilum::file
