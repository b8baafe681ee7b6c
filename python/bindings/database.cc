#include "pilum/database.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "errors.h"
#include "gil.h"

namespace pilum::python {

void BindDatabase(nb::module_& module) {
  nb::class_<Database>(module, "Database")
      .def_prop_ro("uri", &Database::uri)
      .def("table_names",
           [](Database& self) {
             return ValueOrRaise(Interruptibly([&] { return self.TableNames(); }));
           })
      .def(
          "open_table",
          [](Database& self, const std::string& name) {
            return ValueOrRaise(Interruptibly([&] { return self.OpenTable(name); }));
          },
          nb::arg("name"))
      .def(
          "create_table",
          [](Database& self, const std::string& name, nb::handle rows,
             const WriteOptions& options) {
            auto stream = StreamFromPython(rows);
            return ValueOrRaise(
                Interruptibly([&] { return self.CreateTable(name, stream.get(), options); }));
          },
          nb::arg("name"), nb::arg("rows"), nb::arg("options"))
      .def(
          "drop_table",
          [](Database& self, const std::string& name) {
            Check(Interruptibly([&] { return self.DropTable(name); }));
          },
          nb::arg("name"));
  module.def(
      "create_table_at",
      [](const std::string& uri, nb::handle rows, const WriteOptions& options) {
        auto stream = StreamFromPython(rows);
        return ValueOrRaise(
            Interruptibly([&] { return CreateTableAt(uri, stream.get(), options); }));
      },
      nb::arg("uri"), nb::arg("rows"), nb::arg("options"));
  module.def(
      "connect",
      [](const std::string& uri) {
        return ValueOrRaise(Interruptibly([&] { return Connect(uri); }));
      },
      nb::arg("uri"));
  module.def(
      "open_table_at",
      [](const std::string& uri) {
        return ValueOrRaise(Interruptibly([&] { return OpenTableAt(uri); }));
      },
      nb::arg("uri"));
}

}  // namespace pilum::python
