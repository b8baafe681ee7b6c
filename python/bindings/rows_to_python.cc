// Batches as Python objects: rows as dicts, columns as lists.
//
// Types whose values Python has too are made here, straight from the buffers; the others (times,
// decimals, maps, extension types, …) are left to pyarrow, column by column. Either way the values are
// those of pyarrow's to_pylist.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type_traits.h>
#include <arrow/visit_array_inline.h>
#include <nanobind/nanobind.h>

#include "bindings.h"
#include "errors.h"

namespace pilum::python {

namespace nb = nanobind;

namespace {

using arrow::Status;

nb::object Owned(PyObject* made) {
  if (made == nullptr) nb::raise_python_error();
  return nb::steal(made);
}

bool HasUniqueNames(const arrow::FieldVector& fields) {
  std::unordered_set<std::string_view> names;
  for (const auto& field : fields) names.insert(field->name());
  return names.size() == fields.size();
}

/// Whether the values of a type are made here.
bool IsNative(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
    case arrow::Type::BOOL:
    case arrow::Type::FLOAT:
    case arrow::Type::DOUBLE:
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_BINARY:
    case arrow::Type::FIXED_SIZE_BINARY:
      return true;
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST:
      return IsNative(*type.field(0)->type());
    case arrow::Type::STRUCT:
      if (!HasUniqueNames(type.fields())) return false;
      for (const auto& field : type.fields())
        if (!IsNative(*field->type())) return false;
      return true;
    default:
      return arrow::is_integer(type.id());
  }
}

using Objects = std::vector<nb::object>;

Objects MakeNames(const arrow::FieldVector& fields) {
  Objects names;
  for (const auto& field : fields) {
    PyObject* name = PyUnicode_FromStringAndSize(field->name().data(),
                                                 static_cast<Py_ssize_t>(field->name().size()));
    PyUnicode_InternInPlace(&name);
    names.push_back(Owned(name));
  }
  return names;
}

/// `count` dicts, of the values of each column.
Objects MakeDicts(size_t count, const Objects& names, std::vector<Objects> columns) {
  Objects dicts;
  dicts.reserve(count);
  for (size_t row = 0; row < count; ++row) {
    nb::object dict = Owned(PyDict_New());
    for (size_t i = 0; i < names.size(); ++i) {
      if (PyDict_SetItem(dict.ptr(), names[i].ptr(), columns[i][row].ptr()) != 0)
        nb::raise_python_error();
    }
    dicts.push_back(std::move(dict));
  }
  return dicts;
}

nb::object MakeList(Objects::iterator first, Objects::iterator last) {
  nb::object list = Owned(PyList_New(last - first));
  for (Py_ssize_t i = 0; first != last; ++first, ++i)
    PyList_SetItem(list.ptr(), i, first->release().ptr());
  return list;
}

/// Makes the values of an array of a native type.
class Maker {
 public:
  static Objects Make(const arrow::Array& array) {
    Maker maker;
    maker.objects_.reserve(static_cast<size_t>(array.length()));
    Check(arrow::VisitArrayInline(array, &maker));
    return std::move(maker.objects_);
  }

  template <typename Array>
  Status Visit(const Array& array) {
    using Type = typename Array::TypeClass;
    if constexpr (std::is_same_v<Type, arrow::NullType>) {
      objects_.assign(static_cast<size_t>(array.length()), nb::none());
    } else if constexpr (std::is_same_v<Type, arrow::BooleanType>) {
      Each(array, [&](int64_t i) { return PyBool_FromLong(array.Value(i)); });
    } else if constexpr (arrow::is_integer_type<Type>::value) {
      Each(array, [&](int64_t i) {
        if constexpr (std::is_signed_v<typename Type::c_type>)
          return PyLong_FromLongLong(array.Value(i));
        else
          return PyLong_FromUnsignedLongLong(array.Value(i));
      });
    } else if constexpr (std::is_same_v<Type, arrow::FloatType> ||
                         std::is_same_v<Type, arrow::DoubleType>) {
      Each(array, [&](int64_t i) { return PyFloat_FromDouble(array.Value(i)); });
    } else if constexpr (arrow::is_string_type<Type>::value) {
      Each(array, [&](int64_t i) {
        const std::string_view text = array.GetView(i);
        return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
      });
    } else if constexpr (arrow::is_base_binary_type<Type>::value ||
                         std::is_same_v<Type, arrow::FixedSizeBinaryType>) {
      Each(array, [&](int64_t i) {
        const std::string_view bytes = array.GetView(i);
        return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
      });
    } else if constexpr (std::is_same_v<Type, arrow::ListType> ||
                         std::is_same_v<Type, arrow::LargeListType> ||
                         std::is_same_v<Type, arrow::FixedSizeListType>) {
      MakeLists(array);
    } else if constexpr (std::is_same_v<Type, arrow::StructType>) {
      MakeStructs(array);
    } else {
      return Status::NotImplemented(array.type()->ToString());  // not native
    }
    return Status::OK();
  }

 private:
  template <typename Array, typename Value>
  void Each(const Array& array, Value value) {
    const bool nulls = array.null_count() > 0;
    for (int64_t i = 0; i < array.length(); ++i)
      objects_.push_back(nulls && array.IsNull(i) ? nb::object(nb::none()) : Owned(value(i)));
  }

  template <typename Lists>
  void MakeLists(const Lists& lists) {
    if (lists.length() == 0) return;
    const int64_t start = lists.value_offset(0);
    const int64_t end =
        lists.value_offset(lists.length() - 1) + lists.value_length(lists.length() - 1);
    Objects items = Make(*lists.values()->Slice(start, end - start));
    Each(lists, [&](int64_t i) {
      const auto first = items.begin() + (lists.value_offset(i) - start);
      return MakeList(first, first + lists.value_length(i)).release().ptr();
    });
  }

  void MakeStructs(const arrow::StructArray& structs) {
    std::vector<Objects> columns;
    for (const auto& column : structs.fields()) columns.push_back(Make(*column));
    objects_ = MakeDicts(static_cast<size_t>(structs.length()), MakeNames(structs.type()->fields()),
                         std::move(columns));
    if (structs.null_count() == 0) return;
    for (int64_t i = 0; i < structs.length(); ++i)
      if (structs.IsNull(i)) objects_[static_cast<size_t>(i)] = nb::none();
  }

  Objects objects_;
};

std::shared_ptr<arrow::RecordBatch> Import(nb::handle batch) {
  nb::object capsules = batch.attr("__arrow_c_array__")();
  auto* schema = static_cast<ArrowSchema*>(
      PyCapsule_GetPointer(nb::object(capsules[0]).ptr(), "arrow_schema"));
  auto* array =
      static_cast<ArrowArray*>(PyCapsule_GetPointer(nb::object(capsules[1]).ptr(), "arrow_array"));
  if (schema == nullptr || array == nullptr) nb::raise_python_error();
  return ValueOrRaise(arrow::ImportRecordBatch(array, schema));
}

Objects MakeColumn(nb::handle python_batch, const arrow::RecordBatch& batch, int i) {
  const auto& column = *batch.column(i);
  if (IsNative(*column.type())) return Maker::Make(column);
  Objects values;
  for (nb::handle value : python_batch.attr("column")(i).attr("to_pylist")())
    values.push_back(nb::borrow(value));
  return values;
}

void CheckNames(const arrow::RecordBatch& batch) {
  if (!HasUniqueNames(batch.schema()->fields()))
    throw nb::value_error("columns of the same name cannot be the keys of a dict: rename them");
}

nb::object ToRows(nb::handle python_batch) {
  const auto batch = Import(python_batch);
  CheckNames(*batch);
  std::vector<Objects> columns;
  for (int i = 0; i < batch->num_columns(); ++i)
    columns.push_back(MakeColumn(python_batch, *batch, i));
  Objects rows = MakeDicts(static_cast<size_t>(batch->num_rows()),
                           MakeNames(batch->schema()->fields()), std::move(columns));
  return MakeList(rows.begin(), rows.end());
}

nb::object ToColumns(nb::handle python_batch) {
  const auto batch = Import(python_batch);
  CheckNames(*batch);
  const Objects names = MakeNames(batch->schema()->fields());
  nb::dict columns;
  for (int i = 0; i < batch->num_columns(); ++i) {
    Objects values = MakeColumn(python_batch, *batch, i);
    columns[names[static_cast<size_t>(i)]] = MakeList(values.begin(), values.end());
  }
  return columns;
}

}  // namespace

void BindRowsToPython(nb::module_& module) {
  module.def("to_rows", &ToRows, nb::arg("batch"));
  module.def("to_columns", &ToColumns, nb::arg("batch"));
}

}  // namespace pilum::python
