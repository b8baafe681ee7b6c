// Batches as Python objects: rows as dicts, columns as lists.
//
// Types whose values Python has too are made here, straight from the buffers; the others (times,
// decimals, maps, extension types, …) are left to pyarrow, column by column. Either way the values are
// those of pyarrow's to_pylist.
#include <algorithm>
#include <chrono>
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
#include <arrow/util/byte_size.h>
#include <arrow/util/checked_cast.h>
#include <arrow/visit_array_inline.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/unique_ptr.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "errors.h"
#include "rows_to_python.h"

namespace pilum::python {
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

/// The values of a column. What `Make` returns is a new reference, or null with an exception set.
class Values {
 public:
  virtual ~Values() = default;
  virtual PyObject* Make(int64_t row) const noexcept = 0;
};

/// The names and values of a row's fields.
class Fields {
 public:
  void Add(std::string_view name, std::unique_ptr<Values> values) {
    PyObject* text = PyUnicode_FromStringAndSize(name.data(), static_cast<Py_ssize_t>(name.size()));
    PyUnicode_InternInPlace(&text);
    names_.push_back(Owned(text));
    values_.push_back(std::move(values));
  }

  /// A new dict, or null with an exception set.
  PyObject* MakeDict(int64_t row) const noexcept {
    PyObject* dict = PyDict_New();
    for (size_t i = 0; dict != nullptr && i < names_.size(); ++i) {
      PyObject* value = values_[i]->Make(row);
      if (value == nullptr || PyDict_SetItem(dict, names_[i].ptr(), value) != 0) Py_CLEAR(dict);
      Py_XDECREF(value);
    }
    return dict;
  }

 private:
  std::vector<nb::object> names_;
  std::vector<std::unique_ptr<Values>> values_;
};

/// Calls `make` with each index of a new list, which is null if one of the items is.
template <typename MakeItem>
PyObject* MakeList(int64_t size, const MakeItem& make) noexcept {
  PyObject* list = PyList_New(size);
  for (Py_ssize_t i = 0; list != nullptr && i < size; ++i) {
    PyObject* item = make(i);
    if (item == nullptr) {
      Py_CLEAR(list);
    } else {
      PyList_SetItem(list, i, item);
    }
  }
  return list;
}

/// Those of an array, made by `make(array, row)` unless they are null.
template <typename Array, typename MakeValue>
class ArrayValues final : public Values {
 public:
  ArrayValues(const Array& array, MakeValue make)
      : array_(array.data()), has_nulls_(array.null_count() > 0), make_(std::move(make)) {}

  PyObject* Make(int64_t row) const noexcept override {
    if (has_nulls_ && array_.IsNull(row)) Py_RETURN_NONE;
    return make_(array_, row);
  }

 private:
  const Array array_;
  const bool has_nulls_;
  const MakeValue make_;
};

std::unique_ptr<Values> MakeValues(const arrow::Array& array);

/// Those of an array of a native type.
class NativeValues {
 public:
  std::unique_ptr<Values> made;

  template <typename Array>
  Status Visit(const Array& array) {
    using Type = typename Array::TypeClass;
    if constexpr (std::is_same_v<Type, arrow::NullType>) {
      Make(array, [](const Array&, int64_t) { return Py_NewRef(Py_None); });
    } else if constexpr (std::is_same_v<Type, arrow::BooleanType>) {
      Make(array, [](const Array& a, int64_t row) { return PyBool_FromLong(a.Value(row)); });
    } else if constexpr (arrow::is_integer_type<Type>::value) {
      Make(array, [](const Array& a, int64_t row) {
        if constexpr (std::is_signed_v<typename Type::c_type>)
          return PyLong_FromLongLong(a.Value(row));
        else
          return PyLong_FromUnsignedLongLong(a.Value(row));
      });
    } else if constexpr (std::is_same_v<Type, arrow::FloatType> ||
                         std::is_same_v<Type, arrow::DoubleType>) {
      Make(array, [](const Array& a, int64_t row) { return PyFloat_FromDouble(a.Value(row)); });
    } else if constexpr (arrow::is_string_type<Type>::value) {
      Make(array, [](const Array& a, int64_t row) {
        const std::string_view text = a.GetView(row);
        return PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
      });
    } else if constexpr (arrow::is_base_binary_type<Type>::value ||
                         std::is_same_v<Type, arrow::FixedSizeBinaryType>) {
      Make(array, [](const Array& a, int64_t row) {
        const std::string_view bytes = a.GetView(row);
        return PyBytes_FromStringAndSize(bytes.data(), static_cast<Py_ssize_t>(bytes.size()));
      });
    } else if constexpr (std::is_same_v<Type, arrow::ListType> ||
                         std::is_same_v<Type, arrow::LargeListType> ||
                         std::is_same_v<Type, arrow::FixedSizeListType>) {
      Make(array, [items = std::shared_ptr(MakeValues(*array.values()))](const Array& a,
                                                                         int64_t row) {
        const int64_t first = a.value_offset(row);
        return MakeList(a.value_length(row), [&](int64_t i) { return items->Make(first + i); });
      });
    } else if constexpr (std::is_same_v<Type, arrow::StructType>) {
      auto fields = std::make_shared<Fields>();
      for (int i = 0; i < array.num_fields(); ++i)
        fields->Add(array.type()->field(i)->name(), MakeValues(*array.field(i)));
      Make(array, [fields](const Array&, int64_t row) { return fields->MakeDict(row); });
    } else {
      return Status::NotImplemented(array.type()->ToString());  // not native
    }
    return Status::OK();
  }

 private:
  template <typename Array, typename MakeValue>
  void Make(const Array& array, MakeValue make) {
    made = std::make_unique<ArrayValues<Array, MakeValue>>(array, std::move(make));
  }
};

std::unique_ptr<Values> MakeValues(const arrow::Array& array) {
  NativeValues values;
  Check(arrow::VisitArrayInline(array, &values));
  return std::move(values.made);
}

/// Those that pyarrow has made.
class ListedValues final : public Values {
 public:
  explicit ListedValues(nb::list values) : values_(std::move(values)) {}
  PyObject* Make(int64_t row) const noexcept override {
    return Py_NewRef(PyList_GetItem(values_.ptr(), row));
  }

 private:
  const nb::list values_;
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

/// Of the values of an array, about.
int64_t DataBytes(const arrow::Array& array) {
  using arrow::internal::checked_cast;
  const arrow::Type::type type = array.type_id();
  // Asking Arrow takes some microseconds, which counts where rows are large and batches are short.
  if (arrow::is_fixed_width(type)) return array.length() * array.type()->bit_width() / 8;
  if (arrow::is_binary_like(type))
    return checked_cast<const arrow::BinaryArray&>(array).total_values_length();
  if (arrow::is_large_binary_like(type))
    return checked_cast<const arrow::LargeBinaryArray&>(array).total_values_length();
  return ValueOrRaise(arrow::util::ReferencedBufferSize(array));
}

/// The columns of a batch, of which pyarrow makes some.
class BatchColumns {
 public:
  explicit BatchColumns(nb::handle python) : BatchColumns(Import(python)) {
    python_ = nb::borrow(python);
  }
  explicit BatchColumns(std::shared_ptr<arrow::RecordBatch> batch) : batch_(std::move(batch)) {
    if (!HasUniqueNames(batch_->schema()->fields()))
      throw nb::value_error("columns of the same name cannot be the keys of a dict: rename them");
  }

  int64_t num_rows() const { return batch_->num_rows(); }
  int size() const { return batch_->num_columns(); }
  const std::string& name(int i) const { return batch_->column_name(i); }
  int64_t bytes(int i) const { return DataBytes(*batch_->column(i)); }
  std::unique_ptr<Values> Make(int i) {
    const auto& column = *batch_->column(i);
    if (IsNative(*column.type())) return MakeValues(column);
    if (!python_.is_valid()) python_ = BatchToPython(*batch_, SchemaToPython(*batch_->schema()));
    return std::make_unique<ListedValues>(
        nb::cast<nb::list>(python_.attr("column")(i).attr("to_pylist")()));
  }

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;
  nb::object python_;  // the same; invalid if nobody has asked for it
};

struct Rows {
  explicit Rows(BatchColumns columns) : count(columns.num_rows()) {
    for (int i = 0; i < columns.size(); ++i) {
      fields.Add(columns.name(i), columns.Make(i));
      bytes += columns.bytes(i);
    }
  }

  Fields fields;
  int64_t count;
  int64_t bytes = 0;
};

/// Makes the rows of a batch a few ahead: those that are used and freed one after the other stay in
/// the CPU's caches, and take the memory of those before. One consumer.
class RowIterator {
 public:
  explicit RowIterator(BatchColumns columns) : rows_(std::move(columns)) {
    made_.reserve(kGroupRows);
    if (rows_.count == 0) return;
    group_ = std::clamp<int64_t>(kGroupBytes * rows_.count / (rows_.bytes + 1), 1, kGroupRows);
  }
  ~RowIterator() {
    for (; taken_ < made_.size(); ++taken_) Py_DECREF(made_[taken_]);
  }
  RowIterator(const RowIterator&) = delete;
  RowIterator& operator=(const RowIterator&) = delete;

  /// A new reference; null at the end, or with an exception set.
  PyObject* Next() noexcept {
    if (taken_ == made_.size()) MakeGroup();
    if (taken_ < made_.size()) return made_[taken_++];
    if (next_ == rows_.count) rows_.fields = {};  // with what they are made of
    return nullptr;
  }
  int64_t left() const { return rows_.count - next_ + static_cast<int64_t>(made_ahead()); }
  size_t made_ahead() const { return made_.size() - taken_; }
  /// Of small rows some are measured, and the others taken to be as the last of these. Never goes back.
  int64_t making_ns() const { return making_.count(); }

 private:
  static constexpr int64_t kGroupRows = 16;
  static constexpr int64_t kGroupBytes = 256 << 10;
  static constexpr int64_t kTimedGroups = 8;  // one of so many

  void MakeGroup() noexcept {
    using Clock = std::chrono::steady_clock;
    const int64_t first = next_;
    // To look at the clock for each sixteen small rows would take 2 % of the time of making them.
    const bool is_timed = group_ < kGroupRows || first / group_ % kTimedGroups == 0;
    const auto start = is_timed ? Clock::now() : Clock::time_point();
    made_.clear();
    taken_ = 0;
    for (const int64_t end = std::min(rows_.count, next_ + group_); next_ < end; ++next_) {
      PyObject* row = rows_.fields.MakeDict(next_);
      if (row == nullptr) break;
      made_.push_back(row);
    }
    if (!made_.empty()) PyErr_Clear();  // what has failed comes first, and fails, next time
    if (is_timed) making_group_ = Clock::now() - start;
    making_ += is_timed ? making_group_ : making_group_ * (next_ - first) / kGroupRows;
  }

  Rows rows_;
  int64_t next_ = 0;   // to be made
  int64_t group_ = 1;  // made together
  std::vector<PyObject*> made_;
  size_t taken_ = 0;  // of those
  std::chrono::nanoseconds making_{0};
  std::chrono::nanoseconds making_group_{0};  // the one that was measured last
};

PyObject* NextRow(PyObject* self) { return nb::inst_ptr<RowIterator>(self)->Next(); }

nb::object ToRows(nb::handle batch) {
  const Rows rows{BatchColumns(batch)};
  return Owned(MakeList(rows.count, [&](int64_t row) { return rows.fields.MakeDict(row); }));
}

nb::object ToColumns(nb::handle batch) {
  BatchColumns columns(batch);
  nb::dict lists;
  for (int i = 0; i < columns.size(); ++i) {
    const auto values = columns.Make(i);
    lists[columns.name(i).c_str()] =
        Owned(MakeList(columns.num_rows(), [&](int64_t row) { return values->Make(row); }));
  }
  return lists;
}

}  // namespace

nb::object MakeRowIterator(std::shared_ptr<arrow::RecordBatch> batch) {
  return nb::cast(std::make_unique<RowIterator>(BatchColumns(std::move(batch))));
}

void BindRowsToPython(nb::module_& module) {
  module.def("to_rows", &ToRows, nb::arg("batch"));
  module.def("to_columns", &ToColumns, nb::arg("batch"));
  // Not as a method: what looks one up takes longer than to make a small row.
  static PyType_Slot slots[] = {{Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                                {Py_tp_iternext, reinterpret_cast<void*>(NextRow)},
                                {0, nullptr}};
  nb::class_<RowIterator>(module, "RowIterator", nb::type_slots(slots))
      .def(
          "__init__",
          [](RowIterator* self, nb::handle batch) { new (self) RowIterator(BatchColumns(batch)); },
          nb::arg("batch"))
      .def("__length_hint__", &RowIterator::left)
      .def_prop_ro("made_ahead", &RowIterator::made_ahead)
      .def_prop_ro("making_ns", &RowIterator::making_ns);
}

}  // namespace pilum::python
