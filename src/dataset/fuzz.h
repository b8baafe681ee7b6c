// Entry points for fuzzing: each feeds bytes to one parser, looks at what comes out and ignores
// errors.
#pragma once

#include <cstddef>
#include <span>

namespace pilum::dataset {

void FuzzManifest(std::span<const std::byte> bytes);
void FuzzDeletionBitmap(std::span<const std::byte> bytes);
void FuzzDeletionArrow(std::span<const std::byte> bytes);
/// The first two bytes are the number of rows, the rest is the sequence.
void FuzzRowIds(std::span<const std::byte> bytes);
/// u8 size, name of a file without its ending | its JSON, which is read as a tag and as a branch.
/// Ends the program if a name would lead out of the table.
void FuzzRefs(std::span<const std::byte> bytes);

}  // namespace pilum::dataset
