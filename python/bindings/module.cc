#include <arrow/util/config.h>
#include <nanobind/nanobind.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "gil.h"
#include "pilum/version.h"

NB_MODULE(_pilum, module) {
  nanobind::set_leak_warnings(false);  // tables in global variables live until the process ends
  module.attr("__version__") = pilum::Version();
  module.attr("ARROW_MAJOR") = ARROW_VERSION_MAJOR;
  pilum::python::StopUnwoundCalls();
  pilum::python::InitArrowBridge();
  pilum::python::BindInspect(module);
  pilum::python::BindScan(module);
  pilum::python::BindTable(module);
  pilum::python::BindDatabase(module);
  pilum::python::BindPermutation(module);
  pilum::python::BindStream(module);
  pilum::python::BindLineage(module);
  pilum::python::BindPacking(module);
  pilum::python::BindRowsToPython(module);
}
