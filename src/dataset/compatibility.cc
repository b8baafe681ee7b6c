#include "dataset/compatibility.h"

#include <charconv>
#include <string>

#include "pilum/error.h"

namespace pilum::dataset {
namespace {

// Indices and transactions are not needed to read rows, so their flags do not matter here.
constexpr uint64_t kImplementedFlags = kDeletionFiles | kStableRowIds | kVersion2Files |
                                       kTableConfig | kBasePaths | kNoTransactionFiles |
                                       kCoveringIndices | kMixedFileVersions | kTaggedFragmentReuse;

// Of the indices, writers copy what they do not understand. A tagged fragment-reuse index would have
// to follow every compaction.
constexpr uint64_t kWriterFlags = kImplementedFlags & ~uint64_t{kTaggedFragmentReuse};

std::string_view FlagMeaning(uint64_t flag) {
  switch (flag) {
    case kDataOverlays:
      return "data overlay files";
    case kFragmentReuseWithRowIds:
      return "a fragment-reuse index together with stable row ids";
    case kRowLineageColumns:
      return "row ids in hidden columns";
    case kTaggedFragmentReuse:
      return "a fragment-reuse index with transitions";
    case kManagedBlobs:
      return "managed blobs";
    case kFieldIdHighWaterMark:
      return "a high-water mark of field ids";
    default:
      return "unknown";
  }
}

constexpr char kRewrite[] =
    "rewrite the table with the reference library, using data_storage_version=\"2.2\"";

arrow::Status UnsupportedVersion(std::string_view version, std::string_view why,
                                 std::string_view remedy = {}) {
  std::string message = "storage version " + std::string(version) + " " + std::string(why) + "; ";
  return MakeError(ErrorKind::kUnsupported, message + std::string(remedy) + kRewrite);
}

arrow::Status CheckFlags(uint64_t unknown, const std::string& action, const std::string& word) {
  if (unknown == 0) return arrow::Status::OK();
  std::string missing;
  for (uint64_t left = unknown; left != 0; left &= left - 1) {
    uint64_t flag = left & -left;
    if (!missing.empty()) missing += ", ";
    missing += std::to_string(flag) + " (" + std::string(FlagMeaning(flag)) + ")";
  }
  return MakeError(ErrorKind::kUnsupported,
                   action +
                       " this table needs features that this version of pilum does not have, " +
                       word + " feature flags " + missing +
                       "; use a newer version of pilum, or rewrite the table without them");
}

}  // namespace

arrow::Status CheckReaderFlags(uint64_t flags) {
  return CheckFlags(flags & ~kImplementedFlags, "reading", "reader");
}

arrow::Status CheckWriterFlags(uint64_t flags) {
  return CheckFlags(flags & ~kWriterFlags, "writing", "writer");
}

std::string_view FileVersionText(FileVersion version) {
  switch (version) {
    case FileVersion::kV2_0:
      return "2.0";
    case FileVersion::kV2_1:
      return "2.1";
    case FileVersion::kV2_2:
      break;
  }
  return "2.2";
}

arrow::Result<FileVersion> ParseFileVersion(std::string_view text) {
  if (text == "legacy") return MakeFileVersion(0, 1);
  uint32_t major = 0;
  uint32_t minor = 0;
  const char* end = text.data() + text.size();
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): the end is given
  auto first = std::from_chars(text.data(), end, major);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '.') {
    auto second = std::from_chars(first.ptr + 1, end, minor);
    if (second.ec == std::errc() && second.ptr == end) return MakeFileVersion(major, minor);
  }
  return UnsupportedVersion("'" + std::string(text) + "'", "is not known",
                            "use a newer version of pilum, or ");
}

arrow::Result<FileVersion> MakeFileVersion(uint32_t major, uint32_t minor) {
  const std::string version = std::to_string(major) + "." + std::to_string(minor);
  // The footers of 2.0 files say 0.3, and so did the manifests of early writers.
  if (major == 0 && minor == 3) return FileVersion::kV2_0;
  if (major == 0 && minor < 3) return UnsupportedVersion("legacy (0.1)", "is not supported");
  if (major == 2 && minor == 0) return FileVersion::kV2_0;
  if (major == 2 && minor == 1) return FileVersion::kV2_1;
  if (major == 2 && minor == 2) return FileVersion::kV2_2;
  if (major == 2 && minor == 3) {
    return UnsupportedVersion(version, "is unstable and not supported");
  }
  return UnsupportedVersion(version, "is not known", "use a newer version of pilum, or ");
}

}  // namespace pilum::dataset
