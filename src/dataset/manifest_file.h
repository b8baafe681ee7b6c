// The framing of a manifest file.
//
//   [u32 n][IndexSection, n bytes]     only of a version that has indices
//   [u32 n][Transaction, n bytes]      what made this version of the one before
//   [u32 n][Manifest, n bytes]         says where the other two are, by their u32
//   u64 position of the manifest | u16 0 | u16 2 | "LANC"
//
// A version is made of the one before it by changing the parsed messages, so that whatever this
// code does not interpret, fields it does not know among it, is carried over. Pure functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "bytes/byte_reader.h"
#include "lance/table.pb.h"

namespace pilum::dataset {

/// A manifest file taken apart.
struct ManifestFile {
  lance::table::Manifest message;
  std::optional<std::string> index_section;  ///< serialised IndexSection
  std::optional<std::string> transaction;    ///< serialised Transaction
};

/// A manifest message whose fragments are still encoded. They are nearly all of it in a large table,
/// and as messages would take ten times their bytes.
struct SplitManifest {
  lance::table::Manifest rest;
  std::vector<bytes::Bytes> fragments;  ///< of the file; each an encoded DataFragment
};

arrow::Result<SplitManifest> SplitManifestMessage(bytes::Bytes file);

arrow::Result<ManifestFile> ParseManifestFile(bytes::Bytes file);

/// The bytes of the file. Positions in its message are set to where the sections come to lie.
std::string SerializeManifestFile(ManifestFile* file);

}  // namespace pilum::dataset
