// From arrow::Status to Python exceptions.
//
// pilum/errors.py holds the exception classes and decides which one a status becomes. All functions
// need the GIL.
#pragma once

#include <string>
#include <utility>

#include <arrow/result.h>
#include <arrow/status.h>
#include <nanobind/nanobind.h>

namespace pilum::python {

namespace nb = nanobind;

/// Raises the exception that stands for `status`, which is not OK.
[[noreturn]] void Raise(const arrow::Status& status);

inline void Check(const arrow::Status& status) {
  if (!status.ok()) Raise(status);
}

template <typename T>
T ValueOrRaise(arrow::Result<T> result) {
  Check(result.status());
  return std::move(result).MoveValueUnsafe();
}

/// The name of an object's type, for messages.
std::string TypeName(nb::handle object);

}  // namespace pilum::python
