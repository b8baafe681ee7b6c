// Tables and their versions.
//
//   Table      finds the versions of one table; thread-safe
//   Snapshot   one version: immutable, thread-safe, valid in a forked child
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "pilum/inspect.h"
#include "pilum/scan.h"

namespace pilum {

/// A fragment: rows written together.
struct FragmentInfo {
  uint64_t id = 0;
  uint64_t physical_rows = 0;
  uint64_t live_rows = 0;          ///< without deleted ones
  std::vector<std::string> files;  ///< of its data, below the table's data folder
};

class Snapshot {
 public:
  virtual ~Snapshot() = default;

  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  virtual uint64_t version() const = 0;
  virtual std::string storage_version() const = 0;  ///< "2.0", "2.1" or "2.2"
  virtual std::vector<FragmentInfo> fragments() const = 0;

  /// A scan to run later. Bad options are errors here: kInvalidArgument on unknown columns, SQL that
  /// does not fit the schema, fragments that do not exist.
  virtual arrow::Result<std::shared_ptr<const PreparedScan>> Prepare(
      const ScanOptions& options = {}) const = 0;
  /// Prepares a scan and runs it.
  arrow::Result<std::shared_ptr<BatchStream>> Scan(const ScanOptions& options = {}) const;
  /// How many rows a scan with these options delivers, whatever its columns are.
  arrow::Result<uint64_t> CountRows(const ScanOptions& options = {}) const;

  /// The rows with these keys, in the order given; repeats are repeated. A key that no live row has
  /// is kInvalidArgument and an arrow IndexError.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(
      std::span<const uint64_t> keys, RowKey key = RowKey::kOffset,
      const Columns& columns = {}) const = 0;

  /// What each stored column is made of.
  virtual arrow::Result<std::vector<ColumnReport>> Inspect() const = 0;

  /// Decodes everything and checks counts and references. Damage is in the report; an error means
  /// that verifying itself was not possible.
  virtual arrow::Result<VerifyReport> Verify(const VerifyProgress& progress = {}) const = 0;
};

struct VersionInfo {
  uint64_t version = 0;
  int64_t timestamp_us = 0;  ///< when it was committed, microseconds since 1970, UTC
};

struct TagInfo {
  std::string name;
  std::string branch;  ///< empty = the main line
  uint64_t version = 0;
};

/// One line of versions. Thread-safe, and usable in a forked child. Every call looks at the store
/// anew: versions that others commit are seen by the next one.
class Table {
 public:
  virtual ~Table() = default;

  virtual const std::string& name() const = 0;
  virtual const std::string& uri() const = 0;  ///< of the table's folder

  /// The newest version, looked up now.
  virtual arrow::Result<std::shared_ptr<const Snapshot>> Latest() = 0;
  /// A version by number; kNotFound if it does not exist (any more).
  virtual arrow::Result<std::shared_ptr<const Snapshot>> OpenVersion(uint64_t version) = 0;
  /// The version a tag names; kNotFound names the tag.
  virtual arrow::Result<std::shared_ptr<const Snapshot>> OpenTag(const std::string& tag) = 0;
  /// Another line of versions of the same table.
  virtual arrow::Result<std::shared_ptr<Table>> OpenBranch(const std::string& branch) = 0;

  /// Ascending. Reads every manifest for its time.
  virtual arrow::Result<std::vector<VersionInfo>> Versions() = 0;
  virtual arrow::Result<std::vector<TagInfo>> Tags() = 0;          ///< sorted by name
  virtual arrow::Result<std::vector<std::string>> Branches() = 0;  ///< sorted
};

}  // namespace pilum
