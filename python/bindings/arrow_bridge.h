// Arrow data on its way to Python and back: no copies, by the C Data Interface only.
//
// pyarrow's C++ classes are never used, so whichever Arrow pyarrow runs on is its own affair. All
// functions need the GIL.
#pragma once

#include <memory>

#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <nanobind/nanobind.h>

namespace pilum::python {

namespace nb = nanobind;

/// Looks up what the functions below need in pyarrow. Once, when the module is made.
void InitArrowBridge();

/// A pyarrow.Schema.
nb::object SchemaToPython(const arrow::Schema& schema);

/// A pyarrow.RecordBatch that shares the buffers of `batch`; `schema` is its pyarrow.Schema. Far
/// cheaper than importing the schema with every batch.
nb::object BatchToPython(const arrow::RecordBatch& batch, nb::handle schema);

/// The stream of an object with the Arrow PyCapsule interface. Pulling from it may run Python code,
/// with or without the GIL held. To be dropped on the thread that asked for it.
std::shared_ptr<arrow::RecordBatchReader> StreamFromPython(nb::handle object);

/// A capsule of the Arrow C stream interface, which owns `reader`.
nb::object StreamToPython(std::shared_ptr<arrow::RecordBatchReader> reader);

}  // namespace pilum::python
