#include "pilum/inspect.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"

namespace pilum::python {

namespace nb = nanobind;

void BindInspect(nb::module_& module) {
  nb::class_<ColumnReport::Encoding>(module, "Encoding")
      .def_ro("description", &ColumnReport::Encoding::description)
      .def_ro("pages", &ColumnReport::Encoding::pages)
      .def_ro("stored_bytes", &ColumnReport::Encoding::stored_bytes);
  nb::class_<ColumnReport>(module, "ColumnReport")
      .def_ro("path", &ColumnReport::path)
      .def_ro("type", &ColumnReport::type)
      .def_ro("rows", &ColumnReport::rows)
      .def_ro("pages", &ColumnReport::pages)
      .def_ro("stored_bytes", &ColumnReport::stored_bytes)
      .def_ro("encodings", &ColumnReport::encodings);
  nb::class_<Damage>(module, "Damage")
      .def_ro("fragment", &Damage::fragment)
      .def_ro("file", &Damage::file)
      .def_ro("column", &Damage::column)
      .def_ro("message", &Damage::message);
  nb::class_<VerifyReport>(module, "VerifyReport")
      .def_ro("fragments", &VerifyReport::fragments)
      .def_ro("files", &VerifyReport::files)
      .def_ro("rows", &VerifyReport::rows)
      .def_ro("decoded_bytes", &VerifyReport::decoded_bytes)
      .def_ro("damages", &VerifyReport::damages);
}

}  // namespace pilum::python
