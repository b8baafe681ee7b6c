// What each file of the bindings adds to the module: one function per public header.
#pragma once

#include <nanobind/nanobind.h>

namespace pilum::python {

void BindDatabase(nanobind::module_& module);
void BindInspect(nanobind::module_& module);
void BindScan(nanobind::module_& module);
void BindTable(nanobind::module_& module);

}  // namespace pilum::python
