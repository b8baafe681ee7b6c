#include "arrow_bridge.h"

#include <cstdint>
#include <memory>
#include <utility>

#include <arrow/c/abi.h>
#include <arrow/c/bridge.h>

#include "errors.h"
#include "gil.h"

namespace pilum::python {
namespace {

// Held for the life of the process: interpreters do not unload extension modules.
PyObject* import_schema = nullptr;
PyObject* import_batch = nullptr;

constexpr char kStreamCapsule[] = "arrow_array_stream";

/// A C structure of Arrow's, released unless somebody has taken its content.
template <typename T>
struct Owned : T {
  Owned() { this->release = nullptr; }
  ~Owned() {
    if (this->release) this->release(this);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;

  uintptr_t address() { return reinterpret_cast<uintptr_t>(static_cast<T*>(this)); }
};

void DeleteStreamCapsule(PyObject* capsule) {
  void* stream = PyCapsule_GetPointer(capsule, kStreamCapsule);
  delete static_cast<Owned<ArrowArrayStream>*>(static_cast<ArrowArrayStream*>(stream));
}

}  // namespace

void InitArrowBridge() {
  nb::module_ pyarrow = nb::module_::import_("pyarrow");
  nb::object schema = pyarrow.attr("Schema").attr("_import_from_c");
  nb::object batch = pyarrow.attr("RecordBatch").attr("_import_from_c");
  import_schema = schema.release().ptr();
  import_batch = batch.release().ptr();
}

nb::object SchemaToPython(const arrow::Schema& schema) {
  Owned<ArrowSchema> c_schema;
  Check(arrow::ExportSchema(schema, &c_schema));
  return StopIfUnwound([&] { return nb::handle(import_schema)(c_schema.address()); });
}

nb::object BatchToPython(const arrow::RecordBatch& batch, nb::handle schema) {
  Owned<ArrowArray> c_array;
  Check(arrow::ExportRecordBatch(batch, &c_array));
  return StopIfUnwound([&] { return nb::handle(import_batch)(c_array.address(), schema); });
}

std::shared_ptr<arrow::RecordBatchReader> StreamFromPython(nb::handle object) {
  const nb::object capsule = StopIfUnwound([&] { return object.attr("__arrow_c_stream__")(); });
  auto* stream =
      static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(capsule.ptr(), kStreamCapsule));
  if (stream == nullptr) nb::raise_python_error();
  return ValueOrRaise(arrow::ImportRecordBatchReader(stream));
}

nb::object StreamToPython(std::shared_ptr<arrow::RecordBatchReader> reader) {
  auto stream = std::make_unique<Owned<ArrowArrayStream>>();
  Check(arrow::ExportRecordBatchReader(std::move(reader), stream.get()));
  PyObject* capsule = PyCapsule_New(static_cast<ArrowArrayStream*>(stream.get()), kStreamCapsule,
                                    &DeleteStreamCapsule);
  if (capsule == nullptr) nb::raise_python_error();
  stream.release();
  return nb::steal(capsule);
}

}  // namespace pilum::python
