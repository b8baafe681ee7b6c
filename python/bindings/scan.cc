#include "scan.h"

#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "errors.h"
#include "exported_stream.h"
#include "gil.h"

namespace pilum::python {
namespace {

std::string ToText(nb::handle object, const char* what) {
  if (!PyUnicode_Check(object.ptr())) {
    throw nb::type_error((std::string(what) + " must be a str, not " + TypeName(object)).c_str());
  }
  Py_ssize_t size = 0;
  const char* text = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (text == nullptr) nb::raise_python_error();
  return std::string(text, static_cast<size_t>(size));
}

}  // namespace

Columns ToColumns(nb::handle columns, bool with_row_id, bool with_row_address) {
  Columns result{.with_row_id = with_row_id, .with_row_address = with_row_address};
  if (columns.is_none()) return result;
  if (nb::isinstance<nb::dict>(columns)) {
    for (auto [name, sql] : nb::borrow<nb::dict>(columns)) {
      result.expressions.emplace_back(ToText(name, "the name of a column"),
                                      ToText(sql, "the expression of a column"));
    }
    if (result.expressions.empty()) result.names.emplace();
    return result;
  }
  if (!nb::isinstance<nb::list>(columns) && !nb::isinstance<nb::tuple>(columns)) {
    throw nb::type_error(
        ("columns must be a list of names or a dict of SQL expressions, not " + TypeName(columns))
            .c_str());
  }
  result.names.emplace();
  for (nb::handle name : columns) result.names->push_back(ToText(name, "the name of a column"));
  return result;
}

StreamIterator::StreamIterator(std::shared_ptr<BatchStream> stream)
    : schema_(SchemaToPython(*stream->schema())),
      process_(::getpid()),
      stream_(OwnedByThisProcess(std::move(stream))) {}

void StreamIterator::CheckProcess() const {
  if (!InItsProcess()) throw std::runtime_error(kUsedAfterFork);
}

nb::object StreamIterator::Next() {
  const auto batch = ReadNext();
  if (!batch) throw nb::stop_iteration();
  return BatchToPython(*batch, schema_);
}

std::shared_ptr<arrow::RecordBatch> StreamIterator::ReadNext(const std::function<void()>& on_read) {
  CheckProcess();
  while (true) {
    HandleSignals();
    bool ready = true;
    std::shared_ptr<arrow::RecordBatch> batch;
    arrow::Status status = WithoutGil([&]() -> arrow::Status {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!stream_) return arrow::Status::OK();
      ready = stream_->WaitNext(kSlice);
      if (ready) ARROW_RETURN_NOT_OK(stream_->ReadNext(&batch));
      if (batch && on_read) on_read();
      return arrow::Status::OK();
    });
    if (!status.ok() || (ready && !batch)) Close();
    Check(status);
    if (ready) return batch;
  }
}

std::shared_ptr<BatchStream> StreamIterator::TakeStream() {
  std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(stream_, nullptr);
}

void StreamIterator::Close() {
  if (!InItsProcess()) return;
  WithoutGil([&] { TakeStream().reset(); });
}

nb::object StreamIterator::ToCapsule() {
  CheckProcess();
  std::shared_ptr<BatchStream> stream = WithoutGil([&] { return TakeStream(); });
  if (!stream) {
    throw nb::value_error("the stream is closed, or was read to its end");
  }
  return StreamToPython(std::make_shared<ExportedStream>(std::move(stream)));
}

void BindScan(nb::module_& module) {
  nb::class_<PreparedScan>(module, "PreparedScan")
      .def_prop_ro("schema",
                   [](const PreparedScan& self) { return SchemaToPython(*self.schema()); })
      .def("run",
           [](const PreparedScan& self) {
             return std::make_unique<StreamIterator>(
                 ValueOrRaise(Interruptibly([&] { return self.Run(); })));
           })
      .def("count_rows", [](const PreparedScan& self) {
        return ValueOrRaise(Interruptibly([&] { return self.CountRows(); }));
      });
  nb::class_<StreamIterator>(module, "BatchStream")
      .def_prop_ro("schema", &StreamIterator::schema)
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &StreamIterator::Next)
      .def("close", &StreamIterator::Close)
      .def(
          "__arrow_c_stream__", [](StreamIterator& self, nb::handle) { return self.ToCapsule(); },
          nb::arg("requested_schema").none() = nb::none());
}

}  // namespace pilum::python
