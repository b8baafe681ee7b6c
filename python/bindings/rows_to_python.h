// Rows as dicts.
#pragma once

#include <memory>

#include <arrow/record_batch.h>
#include <nanobind/nanobind.h>

namespace pilum::python {

namespace nb = nanobind;

/// A Python iterator over the rows of a batch, a RowIterator. Raises ValueError if two columns have
/// one name. Needs the GIL.
nb::object MakeRowIterator(std::shared_ptr<arrow::RecordBatch> batch);

}  // namespace pilum::python
