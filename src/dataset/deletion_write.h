// Writing deletion files: up to 5000 offsets as an Arrow file with one column, more as a Roaring
// bitmap.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include <arrow/result.h>

#include "dataset/manifest.h"
#include "pilum/storage.h"

namespace pilum::dataset {

/// The bytes of an Arrow file with one record batch of one column, "row_id".
arrow::Result<std::string> EncodeDeletionArrow(std::span<const uint32_t> offsets);

/// The bytes of a 32-bit Roaring bitmap in its portable form. Ascending without repeats.
std::string EncodeRoaring(std::span<const uint32_t> values);

/// Writes the deleted offsets of a fragment, all of them: ascending, without repeats, not empty.
/// Returns what the manifest says about the file. `read_version` is part of its name.
arrow::Result<DeletionFile> WriteDeletionFile(ObjectStore& store, uint64_t fragment_id,
                                              uint64_t read_version,
                                              std::span<const uint32_t> offsets);

}  // namespace pilum::dataset
