#include "errors.h"

#include <cstdint>
#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include "pilum/error.h"

namespace pilum::python {
namespace {

/// The names under which pilum/errors.py lists the kinds.
const char* KindName(const arrow::Status& status) {
  if (status.IsIndexError()) return "index";
  if (status.IsOutOfMemory()) return "out_of_memory";
  switch (GetErrorKind(status)) {
    case ErrorKind::kNotFound:
      return "not_found";
    case ErrorKind::kAlreadyExists:
      return "already_exists";
    case ErrorKind::kInvalidArgument:
      return "invalid_argument";
    case ErrorKind::kCorruptData:
      return "corrupt_data";
    case ErrorKind::kUnsupported:
      return "unsupported";
    case ErrorKind::kCommitConflict:
      return "commit_conflict";
    case ErrorKind::kPermission:
      return "permission";
    case ErrorKind::kUnavailable:
      return "unavailable";
    case ErrorKind::kCancelled:
      return "cancelled";
    case ErrorKind::kInternal:
      break;
  }
  return "internal";
}

}  // namespace

void Raise(const arrow::Status& status) {
  ErrorWhere where;
  if (auto detail = GetErrorDetail(status)) where = detail->where();
  nb::object make = nb::module_::import_("pilum.errors").attr("make_error");
  nb::object error =
      make(KindName(status), nb::bytes(status.message().data(), status.message().size()),
           nb::bytes(where.path.data(), where.path.size()), where.offset,
           nb::bytes(where.column.data(), where.column.size()), where.version);
  PyErr_SetObject(error.type().ptr(), error.ptr());
  nb::raise_python_error();
}

std::string TypeName(nb::handle object) {
  return nb::cast<std::string>(object.type().attr("__name__"));
}

}  // namespace pilum::python
