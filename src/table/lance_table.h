// Table and Snapshot over a Lance dataset in an object store: wires manifests, scans and filters
// together.
#pragma once

#include <memory>
#include <string>

#include "dataset/commit.h"
#include "dataset/manifest.h"
#include "dataset/transaction.h"
#include "pilum/storage.h"
#include "pilum/table.h"
#include "runtime/fork_mutex.h"
#include "scan/dataset_reader.h"
#include "scan/file_cache.h"
#include "table/lance_snapshot.h"

namespace pilum::table {

class LanceTable final : public Table {
 public:
  /// `store` is the folder of the table's main line; `branch` empty for that line itself.
  static arrow::Result<std::shared_ptr<Table>> Open(const std::shared_ptr<ObjectStore>& store,
                                                    std::string name, std::string uri,
                                                    std::string branch = "");

  /// A new table in an empty folder.
  static arrow::Result<std::shared_ptr<Table>> Create(std::shared_ptr<ObjectStore> store,
                                                      std::string name, std::string uri,
                                                      arrow::RecordBatchReader* rows,
                                                      const WriteOptions& options);

  const std::string& name() const override { return name_; }
  const std::string& uri() const override { return uri_; }
  const std::shared_ptr<ObjectStore>& store() const { return main_store_; }  ///< of the main line
  arrow::Result<std::shared_ptr<const Snapshot>> Latest() override;
  arrow::Result<std::shared_ptr<const Snapshot>> OpenVersion(uint64_t version) override;
  arrow::Result<std::shared_ptr<const Snapshot>> OpenTag(const std::string& tag) override;
  arrow::Result<std::shared_ptr<Table>> OpenBranch(const std::string& branch) override;
  arrow::Result<std::vector<VersionInfo>> Versions() override;
  arrow::Result<std::vector<TagInfo>> Tags() override;
  arrow::Result<std::vector<std::string>> Branches() override;
  arrow::Result<std::shared_ptr<const Snapshot>> Append(arrow::RecordBatchReader* rows,
                                                        const WriteOptions& options) override;
  arrow::Result<std::shared_ptr<const Snapshot>> Overwrite(arrow::RecordBatchReader* rows,
                                                           const WriteOptions& options) override;
  arrow::Result<RowChange> Delete(const std::string& condition) override;
  arrow::Result<RowChange> Update(
      const std::vector<std::pair<std::string, std::string>>& assignments,
      const std::optional<std::string>& condition) override;
  arrow::Result<std::shared_ptr<const Snapshot>> Restore(uint64_t version) override;
  arrow::Result<CompactionStats> Compact(uint64_t target_rows) override;
  arrow::Result<CleanupStats> Cleanup(std::chrono::seconds older_than,
                                      bool delete_unverified) override;
  arrow::Status CreateTag(const std::string& tag, uint64_t version) override;
  arrow::Status UpdateTag(const std::string& tag, uint64_t version) override;
  arrow::Status DeleteTag(const std::string& tag) override;

 private:
  LanceTable(const std::shared_ptr<ObjectStore>& store, std::string name, std::string uri,
             std::string branch);

  arrow::Result<std::shared_ptr<const LanceSnapshot>> OpenManifest(std::optional<uint64_t> version);
  std::shared_ptr<const LanceSnapshot> MakeSnapshot(
      std::shared_ptr<const dataset::Manifest> manifest);
  /// The newest version, if this table can be changed.
  arrow::Result<std::shared_ptr<const LanceSnapshot>> OpenForWriting();
  /// The latest without a number. kNotFound names the table if there is none.
  arrow::Result<dataset::VersionInfo> FindVersion(std::optional<uint64_t> version);
  arrow::Result<std::shared_ptr<const LanceSnapshot>> Commit(uint64_t read_version,
                                                             dataset::Operation operation);

  std::shared_ptr<ObjectStore> main_store_;
  std::shared_ptr<ObjectStore> store_;  // of the branch
  std::string name_;
  std::string uri_;
  std::string branch_;
  std::shared_ptr<scan::FileCache> files_;
  runtime::ForkMutex mutex_;  // guards what follows: the version opened last
  std::shared_ptr<const LanceSnapshot> last_;
  dataset::VersionInfo last_version_;
  std::optional<dataset::CommittedVersion> committed_;  // by this object, last
};

}  // namespace pilum::table
