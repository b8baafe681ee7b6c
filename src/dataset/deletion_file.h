// Deletion files: the deleted offsets of one fragment, as an Arrow file or as a Roaring bitmap
// (roaring_reader.h).
//
// ReadDeletionVector in fragment_rows.h checks what they hold against the manifest. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "bytes/byte_reader.h"
#include "dataset/manifest.h"

namespace pilum::dataset {

/// "_deletions/{fragment}-{read_version}-{id}.{arrow|bin}", relative to the base of the file.
std::string DeletionFilePath(uint64_t fragment_id, const DeletionFile& file);

/// The values of an Arrow file with one column of offsets, sorted. More than `max_rows` are an
/// error; decompression takes no more memory than they need.
arrow::Result<std::vector<uint32_t>> ParseDeletionArrow(bytes::Bytes bytes, uint64_t max_rows);

}  // namespace pilum::dataset
