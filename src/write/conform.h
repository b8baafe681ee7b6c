// Conforming: rows as they come, made into rows as a table has them.
#pragma once

#include <memory>

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

namespace pilum::write {

/// Checks that rows of the schema `from` can become rows of `to`: kInvalidArgument names a column
/// that the table does not have, or one that it needs and `from` lacks.
arrow::Status CheckColumns(const arrow::Schema& from, const arrow::Schema& to);

/// The columns of `to`, found by name, cast where types differ and null where the batch has none.
/// kInvalidArgument, naming the column, for values that do not fit the type and for nulls where
/// none are allowed. CheckColumns has passed.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> Conform(const arrow::RecordBatch& batch,
                                                           const std::shared_ptr<arrow::Schema>& to,
                                                           arrow::MemoryPool* pool);

}  // namespace pilum::write
