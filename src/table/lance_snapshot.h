// Snapshot over one version of a Lance dataset.
#pragma once

#include <memory>
#include <string>

#include "pilum/table.h"
#include "scan/dataset_reader.h"
#include "scan/scan_stream.h"

namespace pilum::table {

class LanceSnapshot final : public Snapshot {
 public:
  explicit LanceSnapshot(std::shared_ptr<const scan::DatasetReader> reader)
      : reader_(std::move(reader)) {}

  const std::shared_ptr<const scan::DatasetReader>& reader() const { return reader_; }

  const std::shared_ptr<arrow::Schema>& schema() const override {
    return reader_->manifest().schema.arrow;
  }
  uint64_t version() const override { return reader_->manifest().version; }
  std::string storage_version() const override;
  std::vector<FragmentInfo> fragments() const override;
  arrow::Result<std::shared_ptr<const PreparedScan>> Prepare(
      const ScanOptions& options) const override;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(std::span<const uint64_t> keys,
                                                          RowKey key,
                                                          const Columns& columns) const override;
  arrow::Result<std::shared_ptr<BatchStream>> TakeAhead(RowKeys keys,
                                                        const TakeOptions& options) const override;
  arrow::Result<std::vector<ColumnReport>> Inspect() const override;
  arrow::Result<VerifyReport> Verify(const VerifyProgress& progress) const override;

 private:
  /// A projection, and what turns the batches read by it into those asked for (null: nothing).
  struct Output {
    std::shared_ptr<const scan::Projection> projection;
    std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>(
        std::shared_ptr<arrow::RecordBatch>)>
        finish;
    std::shared_ptr<arrow::Schema> schema;
  };
  arrow::Result<Output> MakeOutput(const Columns& columns) const;
  arrow::Result<std::optional<scan::RowFilter>> MakeFilter(
      const std::vector<std::string>& conditions) const;
  arrow::Result<std::vector<size_t>> FindFragments(
      const std::optional<std::vector<uint64_t>>& ids) const;

  std::shared_ptr<const scan::DatasetReader> reader_;
};

}  // namespace pilum::table
