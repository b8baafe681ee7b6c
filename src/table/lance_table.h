// Table and Snapshot over a Lance dataset in an object store: wires manifests, scans and filters
// together.
#pragma once

#include <memory>
#include <string>

#include "dataset/manifest.h"
#include "pilum/storage.h"
#include "pilum/table.h"
#include "runtime/fork_mutex.h"
#include "scan/dataset_reader.h"
#include "scan/file_cache.h"

namespace pilum::table {

class LanceTable final : public Table {
 public:
  /// `store` is the folder of the table's main line; `branch` empty for that line itself.
  static arrow::Result<std::shared_ptr<Table>> Open(std::shared_ptr<ObjectStore> store,
                                                    std::string name, std::string uri,
                                                    std::string branch = "");

  const std::string& name() const override { return name_; }
  const std::string& uri() const override { return uri_; }
  arrow::Result<std::shared_ptr<const Snapshot>> Latest() override;
  arrow::Result<std::shared_ptr<const Snapshot>> OpenVersion(uint64_t version) override;
  arrow::Result<std::shared_ptr<const Snapshot>> OpenTag(const std::string& tag) override;
  arrow::Result<std::shared_ptr<Table>> OpenBranch(const std::string& branch) override;
  arrow::Result<std::vector<VersionInfo>> Versions() override;
  arrow::Result<std::vector<TagInfo>> Tags() override;
  arrow::Result<std::vector<std::string>> Branches() override;

 private:
  LanceTable(std::shared_ptr<ObjectStore> store, std::string name, std::string uri,
             std::string branch);

  arrow::Result<std::shared_ptr<const Snapshot>> OpenManifest(std::optional<uint64_t> version);

  std::shared_ptr<ObjectStore> main_store_;
  std::shared_ptr<ObjectStore> store_;  // of the branch
  std::string name_;
  std::string uri_;
  std::string branch_;
  std::shared_ptr<scan::FileCache> files_;
  runtime::ForkMutex mutex_;  // guards what follows: the version opened last
  std::shared_ptr<const Snapshot> last_;
  dataset::VersionInfo last_version_;
};

}  // namespace pilum::table
