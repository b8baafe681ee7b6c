// BatchRead: rows of a version being read into one record batch.
//
//   Make ─► while (Step(fetch)) run the fetch ─► Finish
//
// Rows are given as selections of fragments; slots say where each goes in the batch, in any order
// and with repeats. Belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "file/field_read.h"
#include "io/fetch.h"
#include "scan/dataset_reader.h"
#include "scan/projection.h"

namespace pilum::scan {

using file::Run;

/// Rows of one fragment: ascending runs of physical offsets with their slots in the batch.
struct FragmentSelection {
  size_t fragment = 0;  ///< index in the manifest
  std::vector<Run> runs;
};

struct RowSelection {
  std::vector<FragmentSelection> fragments;
  int64_t num_rows = 0;  ///< slots
  bool in_order = true;  ///< slots ascend without gaps or repeats
  bool distinct = true;  ///< no row has two slots
};

class BatchRead {
 public:
  static arrow::Result<std::unique_ptr<BatchRead>> Make(
      std::shared_ptr<const DatasetReader> dataset, std::shared_ptr<const Projection> projection,
      RowSelection selection);

  /// As FieldRead::Step, for all fields together.
  arrow::Result<bool> Step(const std::shared_ptr<io::Fetch>& fetch);
  /// As FieldRead::value_bytes, for the whole rows.
  uint64_t value_bytes() const;
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

  /// All of the above on the calling thread, which other threads may help with the reads.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Run();

 private:
  BatchRead() = default;

  std::shared_ptr<const DatasetReader> dataset_;
  std::shared_ptr<const Projection> projection_;
  RowSelection selection_;  // without its runs
  std::shared_ptr<const std::vector<file::Segment>> segments_;
  std::vector<std::unique_ptr<file::FieldRead>> fields_;  // null for row ids and addresses
};

/// The data files' columns behind a field, for the fragments given, in order.
arrow::Result<file::FieldTree> MakeFieldTree(const DatasetReader& dataset,
                                             const dataset::Field& field,
                                             const std::vector<FragmentSelection>& fragments);

}  // namespace pilum::scan
