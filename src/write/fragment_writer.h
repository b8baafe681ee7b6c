// Writing fragments: a stream of rows becomes data files of bounded size.
//
// The files are complete and durable when this returns, but belong to no version yet: that is the
// commit's affair.
#pragma once

#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "dataset/manifest.h"
#include "pilum/storage.h"
#include "pilum/write.h"

namespace pilum::write {

/// Reads `rows` to their end on the calling thread and writes them to `store`, the folder of the
/// table. The fragments have no ids. After an error no file is left.
arrow::Result<std::vector<dataset::Fragment>> WriteFragments(
    const std::shared_ptr<ObjectStore>& store, const dataset::Schema& schema,
    dataset::FileVersion version, const WriteOptions& options, arrow::RecordBatchReader* rows);

}  // namespace pilum::write
