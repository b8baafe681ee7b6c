// What this version of pilum reads and writes: feature flags and storage versions.
//
// The one place that knows which are implemented. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include <arrow/result.h>
#include <arrow/status.h>

#include "dataset/manifest.h"

namespace pilum::dataset {

/// Bits of a manifest's reader and writer feature flags.
enum FeatureFlag : uint64_t {
  kDeletionFiles = 1,
  kStableRowIds = 2,
  kVersion2Files = 4,  ///< obsolete: the storage version says it
  kTableConfig = 8,
  kBasePaths = 16,
  kNoTransactionFiles = 32,
  kDataOverlays = 64,
  kCoveringIndices = 128,
  kMixedFileVersions = 256,
  kFragmentReuseWithRowIds = 512,
  kTaggedFragmentReuse = 1024,
  kRowLineageColumns = 2048,
  kManagedBlobs = 16384,
  kFieldIdHighWaterMark = 32768,
};

/// Fails with kUnsupported, naming every bit that is not implemented.
arrow::Status CheckReaderFlags(uint64_t flags);
/// The same for the writer's word: what a new version of the table must keep up.
arrow::Status CheckWriterFlags(uint64_t flags);

/// The storage version of a table ("2.2").
arrow::Result<FileVersion> ParseFileVersion(std::string_view text);

/// As manifests write it: "2.2".
std::string_view FileVersionText(FileVersion version);

/// The storage version of a data file, by the numbers its manifest entry gives.
arrow::Result<FileVersion> MakeFileVersion(uint32_t major, uint32_t minor);

}  // namespace pilum::dataset
