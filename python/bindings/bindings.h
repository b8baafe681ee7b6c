// What each file of the bindings adds to the module: one function per public header, and the making of
// Python objects from batches.
#pragma once

#include <nanobind/nanobind.h>

namespace pilum::python {

void BindDatabase(nanobind::module_& module);
void BindInspect(nanobind::module_& module);
void BindLineage(nanobind::module_& module);
void BindPacking(nanobind::module_& module);
void BindPermutation(nanobind::module_& module);
void BindRowsToPython(nanobind::module_& module);
void BindScan(nanobind::module_& module);
void BindStream(nanobind::module_& module);
void BindTable(nanobind::module_& module);

}  // namespace pilum::python
