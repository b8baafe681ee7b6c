// Indices of a table as a writer without indices must treat them: copied as they are, but an index
// says which fragments it covers, and must not claim rows that it does not know.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_set>

#include <arrow/status.h>

#include "dataset/manifest_file.h"

namespace pilum::dataset {

/// The rows of the fragments `before` are in `after` now. With stable row ids an index that covers
/// all of `before` covers `after`; otherwise it covers none of them any more.
arrow::Status MoveIndexedFragments(const std::unordered_set<uint64_t>& before,
                                   const std::unordered_set<uint64_t>& after, bool stable_row_ids,
                                   ManifestFile* file);

/// The values of `fields` in these fragments have changed.
arrow::Status ForgetIndexedFragments(const std::unordered_set<uint64_t>& fragments,
                                     std::span<const uint32_t> fields, ManifestFile* file);

}  // namespace pilum::dataset
