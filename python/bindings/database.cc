#include "pilum/database.h"

#include <nanobind/stl/map.h>
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
          nb::arg("name"))
      .def(
          "rename_table",
          [](Database& self, const std::string& name, const std::string& new_name) {
            Check(Interruptibly([&] { return self.RenameTable(name, new_name); }));
          },
          nb::arg("name"), nb::arg("new_name"));
  module.def(
      "create_table_at",
      [](const std::string& uri, nb::handle rows, const WriteOptions& options,
         const StorageOptions& storage) {
        auto stream = StreamFromPython(rows);
        return ValueOrRaise(
            Interruptibly([&] { return CreateTableAt(uri, stream.get(), options, storage); }));
      },
      nb::arg("uri"), nb::arg("rows"), nb::arg("options"), nb::arg("storage_options"));
  module.def(
      "connect",
      [](const std::string& uri, const StorageOptions& options) {
        return ValueOrRaise(Interruptibly([&] { return Connect(uri, options); }));
      },
      nb::arg("uri"), nb::arg("storage_options"));
  module.def(
      "open_table_at",
      [](const std::string& uri, const StorageOptions& options) {
        return ValueOrRaise(Interruptibly([&] { return OpenTableAt(uri, options); }));
      },
      nb::arg("uri"), nb::arg("storage_options"));
  module.def(
      "export_table",
      [](const Table& table) {
        const TableContent content =
            ValueOrRaise(Interruptibly([&] { return ExportTable(table); }));
        nb::dict objects;
        for (const auto& [path, bytes] : content)
          objects[path.c_str()] = nb::bytes(bytes.data(), bytes.size());
        return objects;
      },
      nb::arg("table"));
  module.def(
      "import_table",
      [](const std::string& name, const std::string& uri,
         const std::map<std::string, nb::bytes>& objects) {
        TableContent content;
        for (const auto& [path, bytes] : objects)
          content.emplace(path, std::string(bytes.c_str(), bytes.size()));
        return ValueOrRaise(WithoutGil([&] { return ImportTable(name, uri, content); }));
      },
      nb::arg("name"), nb::arg("uri"), nb::arg("objects"));
}

}  // namespace pilum::python
