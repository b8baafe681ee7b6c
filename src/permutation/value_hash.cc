#include "permutation/value_hash.h"

#include <bit>
#include <cmath>
#include <string_view>

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/type_traits.h>
#include <arrow/visit_array_inline.h>

namespace pilum::permutation {
namespace {

using arrow::Status;

constexpr uint64_t kNull = 0x9AE16A3B2F90404F;

uint64_t Mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
  return x ^ (x >> 31);
}

uint64_t HashBytes(std::string_view bytes) {
  uint64_t hash = 0xCBF29CE484222325;
  for (char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 0x100000001B3;
  return Mix(hash);
}

uint64_t HashDouble(double value) {
  if (std::isnan(value)) return Mix(0x7FF8000000000000);
  return Mix(std::bit_cast<uint64_t>(value == 0 ? 0.0 : value));
}

class Combiner {
 public:
  explicit Combiner(std::span<uint64_t> hashes) : hashes_(hashes) {}

  template <typename Array>
  Status Visit(const Array& array) {
    using Type = typename Array::TypeClass;
    if constexpr (std::is_same_v<Type, arrow::HalfFloatType>) {
      return Status::NotImplemented("is cast to float before");
    } else if constexpr (arrow::is_floating_type<Type>::value) {
      Combine(array, [&](int64_t i) { return HashDouble(static_cast<double>(array.Value(i))); });
    } else if constexpr (arrow::is_base_binary_type<Type>::value ||
                         arrow::is_fixed_size_binary_type<Type>::value) {
      Combine(array, [&](int64_t i) { return HashBytes(array.GetView(i)); });
    } else if constexpr (arrow::is_boolean_type<Type>::value) {
      Combine(array, [&](int64_t i) { return Mix(array.Value(i) ? 1 : 0); });
    } else if constexpr (arrow::is_integer_type<Type>::value ||
                         (arrow::is_temporal_type<Type>::value &&
                          !arrow::is_interval_type<Type>::value)) {
      Combine(array, [&](int64_t i) { return Mix(static_cast<uint64_t>(array.Value(i))); });
    } else if constexpr (std::is_same_v<Type, arrow::NullType>) {
      for (uint64_t& hash : hashes_) hash = Mix(hash ^ kNull);
    } else {
      return Status::NotImplemented("hashes of ", array.type()->ToString());
    }
    return Status::OK();
  }

 private:
  template <typename Array, typename Hash>
  void Combine(const Array& array, Hash hash) {
    for (int64_t i = 0; i < array.length(); ++i) {
      uint64_t& combined = hashes_[static_cast<size_t>(i)];
      combined = Mix(combined ^ (array.IsNull(i) ? kNull : hash(i)));
    }
  }

  std::span<uint64_t> hashes_;
};

}  // namespace

bool IsHashable(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY)
    return IsHashable(*static_cast<const arrow::DictionaryType&>(type).value_type());
  if (arrow::is_interval(type.id())) return false;
  return type.id() == arrow::Type::NA || arrow::is_primitive(type.id()) ||
         arrow::is_base_binary_like(type.id()) || arrow::is_fixed_size_binary(type.id());
}

Status CombineHashes(const std::shared_ptr<arrow::Array>& values, std::span<uint64_t> hashes) {
  std::shared_ptr<arrow::DataType> plain;
  if (values->type_id() == arrow::Type::DICTIONARY) {
    plain = static_cast<const arrow::DictionaryType&>(*values->type()).value_type();
  } else if (values->type_id() == arrow::Type::HALF_FLOAT) {
    plain = arrow::float32();
  }
  if (plain) {
    ARROW_ASSIGN_OR_RAISE(auto cast, arrow::compute::Cast(*values, plain));
    return CombineHashes(cast, hashes);
  }
  Combiner combiner(hashes);
  return arrow::VisitArrayInline(*values, &combiner);
}

}  // namespace pilum::permutation
