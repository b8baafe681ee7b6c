// Tables and their versions.
//
//   Table      finds the versions of one table; thread-safe
//   Snapshot   one version: immutable, thread-safe, valid in a forked child
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "pilum/inspect.h"
#include "pilum/scan.h"
#include "pilum/write.h"

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

  /// Takes of the rows to come, read ahead by other threads: together where that saves reads, the
  /// first ones soon. Batches are as long as what was read together, and have the rows in the order
  /// of the keys. Unknown columns are errors here, a key that no live row has when its turn comes.
  virtual arrow::Result<std::shared_ptr<BatchStream>> TakeAhead(
      RowKeys keys, const TakeOptions& options = {}) const = 0;

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

/// What a change of rows has done.
struct RowChange {
  std::shared_ptr<const Snapshot> snapshot;  ///< the version afterwards
  uint64_t rows = 0;                         ///< deleted or changed
};

struct CompactionStats {
  uint64_t fragments_removed = 0;
  uint64_t fragments_added = 0;
};

struct CleanupStats {
  uint64_t versions = 0;  ///< removed
  uint64_t files = 0;     ///< removed, manifests not counted
  uint64_t bytes = 0;     ///< removed, manifests included
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

  // Writing. Each call that changes something commits one version, atomically, and returns it; what
  // others commit meanwhile is kept, or is a kCommitConflict that names it. The rows of a stream
  // are pulled on the calling thread, written with bounded memory, and durable when the call
  // returns. After an error the table is as it was.

  /// Adds rows. Columns are matched by name and cast where that loses nothing; kInvalidArgument
  /// names a column that the table does not have, or whose values do not fit. No rows: no version.
  virtual arrow::Result<std::shared_ptr<const Snapshot>> Append(
      arrow::RecordBatchReader* rows, const WriteOptions& options = {}) = 0;
  /// Replaces schema and rows. Old versions stay.
  virtual arrow::Result<std::shared_ptr<const Snapshot>> Overwrite(
      arrow::RecordBatchReader* rows, const WriteOptions& options = {}) = 0;
  /// Deletes the rows for which the SQL condition is true. None: no version.
  virtual arrow::Result<RowChange> Delete(const std::string& condition) = 0;
  /// Sets columns, by SQL expressions over the old values, in the rows for which the condition is
  /// true; all rows without one. Changed rows move to the end. None: no version.
  virtual arrow::Result<RowChange> Update(
      const std::vector<std::pair<std::string, std::string>>& assignments,
      const std::optional<std::string>& condition = std::nullopt) = 0;
  /// Makes an old version the latest again, as a new one.
  virtual arrow::Result<std::shared_ptr<const Snapshot>> Restore(uint64_t version) = 0;

  /// Joins neighbouring fragments of fewer than `target_rows` rows, and rewrites those of which a
  /// tenth is deleted, so that no deleted row is left in them. Row ids change with it. Nothing to
  /// do: no version.
  virtual arrow::Result<CompactionStats> Compact(uint64_t target_rows = 1 << 20) = 0;
  /// Removes versions that are older, but for the latest, those that tags name and those that
  /// branches began with, and files that no version needs: those of writes that did not end only
  /// when they are a week old, or at once with `delete_unverified`, which destroys what is being
  /// written at the moment.
  virtual arrow::Result<CleanupStats> Cleanup(std::chrono::seconds older_than,
                                              bool delete_unverified = false) = 0;

  /// Names a version; kAlreadyExists if there is such a tag, kInvalidArgument for names with other
  /// characters than letters, digits, '.', '-' and '_'.
  virtual arrow::Status CreateTag(const std::string& tag, uint64_t version) = 0;
  /// Moves a tag; kNotFound if there is none.
  virtual arrow::Status UpdateTag(const std::string& tag, uint64_t version) = 0;
  virtual arrow::Status DeleteTag(const std::string& tag) = 0;

  /// Ascending. Reads every manifest for its time.
  virtual arrow::Result<std::vector<VersionInfo>> Versions() = 0;
  virtual arrow::Result<std::vector<TagInfo>> Tags() = 0;          ///< sorted by name
  virtual arrow::Result<std::vector<std::string>> Branches() = 0;  ///< sorted
};

}  // namespace pilum
