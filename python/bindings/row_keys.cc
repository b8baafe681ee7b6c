#include "row_keys.h"

#include <cstddef>
#include <memory>
#include <string>

#include <arrow/array.h>
#include <arrow/c/bridge.h>
#include <nanobind/ndarray.h>

#include "errors.h"

namespace pilum::python {
namespace {

[[noreturn]] void RaiseNoSuchRow(const std::string& number) {
  Raise(arrow::Status::IndexError("there is no row ", number));
}

[[noreturn]] void RaiseWrongKind(nb::handle rows) {
  throw nb::type_error(
      ("rows are given as a sequence or array of integers, not as " + TypeName(rows)).c_str());
}

[[noreturn]] void RaiseNoIntegers(const std::string& what) {
  throw nb::type_error(("row numbers must be integers, not " + what).c_str());
}

uint64_t ToRowKey(PyObject* item) {
  nb::object number = nb::steal(PyNumber_Index(item));
  if (!number.is_valid()) nb::raise_python_error();
  uint64_t key = PyLong_AsUnsignedLongLong(number.ptr());
  if (key == UINT64_MAX && PyErr_Occurred()) {
    PyErr_Clear();  // the number is negative or has more than 64 bits
    RaiseNoSuchRow(nb::str(number).c_str());
  }
  return key;
}

std::vector<uint64_t> FromSequence(nb::handle rows) {
  nb::object items = nb::steal(PySequence_Fast(rows.ptr(), "row numbers must be a sequence"));
  if (!items.is_valid()) nb::raise_python_error();
  std::vector<uint64_t> keys;
  keys.reserve(nb::len(items));
  for (nb::handle item : items) keys.push_back(ToRowKey(item.ptr()));
  return keys;
}

template <typename T>
std::vector<uint64_t> CopyKeys(const T* data, int64_t stride, size_t length) {
  std::vector<uint64_t> keys(length);
  for (size_t i = 0; i < length; ++i) {
    T value = data[static_cast<int64_t>(i) * stride];
    if (value < T{0}) RaiseNoSuchRow(std::to_string(value));
    keys[i] = static_cast<uint64_t>(value);
  }
  return keys;
}

/// Arrays and tensors of other libraries.
std::vector<uint64_t> FromNdarray(nb::handle rows) {
  nb::ndarray<nb::ro> array;
  if (!nb::try_cast(rows, array) || array.ndim() != 1 ||
      array.device_type() != nb::device::cpu::value) {
    RaiseWrongKind(rows);
  }
  auto copy = [&]<typename T>(T) {
    return CopyKeys(static_cast<const T*>(array.data()), array.stride(0), array.shape(0));
  };
  const nb::dlpack::dtype type = array.dtype();
  if (type == nb::dtype<int64_t>()) return copy(int64_t{});
  if (type == nb::dtype<int32_t>()) return copy(int32_t{});
  if (type == nb::dtype<int16_t>()) return copy(int16_t{});
  if (type == nb::dtype<int8_t>()) return copy(int8_t{});
  if (type == nb::dtype<uint64_t>()) return copy(uint64_t{});
  if (type == nb::dtype<uint32_t>()) return copy(uint32_t{});
  if (type == nb::dtype<uint16_t>()) return copy(uint16_t{});
  if (type == nb::dtype<uint8_t>()) return copy(uint8_t{});
  RaiseNoIntegers("of another type");
}

/// Arrays of whoever speaks Arrow's C data interface.
std::vector<uint64_t> FromArrow(nb::handle rows) {
  nb::object capsules = rows.attr("__arrow_c_array__")();
  nb::object schema_capsule = capsules[0];
  nb::object array_capsule = capsules[1];
  auto* schema =
      static_cast<ArrowSchema*>(PyCapsule_GetPointer(schema_capsule.ptr(), "arrow_schema"));
  auto* array = static_cast<ArrowArray*>(PyCapsule_GetPointer(array_capsule.ptr(), "arrow_array"));
  if (schema == nullptr || array == nullptr) nb::raise_python_error();
  auto keys = ValueOrRaise(arrow::ImportArray(array, schema));
  if (keys->null_count() > 0) RaiseNoIntegers("null");
  auto copy = [&]<typename T>(T) {
    return CopyKeys(keys->data()->GetValues<T>(1), 1, static_cast<size_t>(keys->length()));
  };
  switch (keys->type_id()) {
    case arrow::Type::INT64:
      return copy(int64_t{});
    case arrow::Type::INT32:
      return copy(int32_t{});
    case arrow::Type::INT16:
      return copy(int16_t{});
    case arrow::Type::INT8:
      return copy(int8_t{});
    case arrow::Type::UINT64:
      return copy(uint64_t{});
    case arrow::Type::UINT32:
      return copy(uint32_t{});
    case arrow::Type::UINT16:
      return copy(uint16_t{});
    case arrow::Type::UINT8:
      return copy(uint8_t{});
    case arrow::Type::NA:  // an empty array whose type nobody said
      return {};
    default:
      RaiseNoIntegers(keys->type()->ToString());
  }
}

}  // namespace

std::vector<uint64_t> ToRowKeys(nb::handle rows) {
  if (nb::hasattr(rows, "__arrow_c_array__")) return FromArrow(rows);
  if (nb::ndarray_check(rows)) return FromNdarray(rows);
  if (!PySequence_Check(rows.ptr()) || PyUnicode_Check(rows.ptr())) RaiseWrongKind(rows);
  return FromSequence(rows);
}

}  // namespace pilum::python
