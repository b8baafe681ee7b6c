// Snapshots as Python has them.
#pragma once

#include <memory>
#include <utility>

#include <arrow/record_batch.h>
#include <nanobind/nanobind.h>

#include "arrow_bridge.h"
#include "pilum/table.h"

namespace pilum::python {

namespace nb = nanobind;

/// A Snapshot with its pyarrow.Schema, which most batches that are taken have too. Needs the GIL.
class PinnedSnapshot {
 public:
  explicit PinnedSnapshot(std::shared_ptr<const Snapshot> snapshot)
      : snapshot_(std::move(snapshot)), schema_(SchemaToPython(*snapshot_->schema())) {}

  const Snapshot* operator->() const { return snapshot_.get(); }
  const Snapshot& operator*() const { return *snapshot_; }
  const std::shared_ptr<const Snapshot>& shared() const { return snapshot_; }
  const nb::object& schema() const { return schema_; }

  nb::object ToPython(const arrow::RecordBatch& batch) const {
    if (batch.schema() == snapshot_->schema()) return BatchToPython(batch, schema_);
    return BatchToPython(batch, SchemaToPython(*batch.schema()));
  }

 private:
  std::shared_ptr<const Snapshot> snapshot_;
  nb::object schema_;
};

}  // namespace pilum::python
