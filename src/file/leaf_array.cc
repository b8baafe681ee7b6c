#include "file/leaf_array.h"

#include <cstring>
#include <string>
#include <utility>

#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include "bytes/byte_reader.h"
#include "file/jsonb.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using arrow::internal::checked_cast;

constexpr uint64_t kMaxBits = uint64_t{1} << 35;

bool IsValid(const std::shared_ptr<arrow::Buffer>& validity, int64_t i) {
  return !validity || arrow::bit_util::GetBit(validity->data(), i);
}

template <typename Key>
Status CheckKeys(Key* keys, int64_t n, uint64_t dictionary_length,
                 const std::shared_ptr<arrow::Buffer>& validity) {
  for (int64_t i = 0; i < n; ++i) {
    if (keys[i] < dictionary_length) continue;
    if (IsValid(validity, i)) {
      return bytes::Corrupt("a dictionary key outside the dictionary of " +
                            std::to_string(dictionary_length) + " items");
    }
    keys[i] = 0;
  }
  return Status::OK();
}

Result<std::shared_ptr<ArrayData>> MakeDictionaryArray(const std::shared_ptr<arrow::DataType>& type,
                                                       const encoding::LeafData& leaf,
                                                       std::shared_ptr<arrow::Buffer> validity,
                                                       int64_t null_count) {
  const auto& dictionary_type = checked_cast<const arrow::DictionaryType&>(*type);
  std::shared_ptr<arrow::Array> dictionary = leaf.dictionary;
  if (!dictionary) {
    ARROW_ASSIGN_OR_RAISE(dictionary, arrow::MakeEmptyArray(dictionary_type.value_type()));
  }
  const int bits =
      checked_cast<const arrow::FixedWidthType&>(*dictionary_type.index_type()).bit_width();
  const bool is_signed = arrow::is_signed_integer(dictionary_type.index_type()->id());
  if (bits < 32 && dictionary->length() > (int64_t{1} << (bits - is_signed))) {
    return MakeError(ErrorKind::kUnsupported,
                     "the pages of one batch have " + std::to_string(dictionary->length()) +
                         " dictionary items together, more than keys of type " +
                         dictionary_type.index_type()->ToString() +
                         " can tell apart; ask for a smaller batch size");
  }
  uint8_t* keys = leaf.values->mutable_data();
  const uint64_t length = static_cast<uint64_t>(dictionary->length());
  if (length == 0 && leaf.slots > 0)
    std::memset(keys, 0, static_cast<size_t>(leaf.slots * bits / 8));
  if (length > 0) {
    switch (bits) {
      case 8:
        ARROW_RETURN_NOT_OK(CheckKeys(keys, leaf.slots, length, validity));
        break;
      case 16:
        ARROW_RETURN_NOT_OK(
            CheckKeys(reinterpret_cast<uint16_t*>(keys), leaf.slots, length, validity));
        break;
      case 32:
        ARROW_RETURN_NOT_OK(
            CheckKeys(reinterpret_cast<uint32_t*>(keys), leaf.slots, length, validity));
        break;
      default:
        ARROW_RETURN_NOT_OK(
            CheckKeys(reinterpret_cast<uint64_t*>(keys), leaf.slots, length, validity));
        break;
    }
  } else if (null_count != leaf.slots) {
    return bytes::Corrupt("values without a dictionary");
  }
  auto data = ArrayData::Make(type, leaf.slots, {std::move(validity), leaf.values}, null_count);
  data->dictionary = dictionary->data();
  return data;
}

// The items of nested fixed-size lists, level by level down to the values.
std::shared_ptr<ArrayData> MakeItems(const std::shared_ptr<arrow::DataType>& type,
                                     const encoding::LeafData& leaf, int64_t n, size_t level) {
  std::shared_ptr<arrow::Buffer> validity = leaf.item_validity[level];
  const int64_t nulls = validity ? arrow::kUnknownNullCount : 0;
  if (type->id() != arrow::Type::FIXED_SIZE_LIST) {
    return ArrayData::Make(type, n, {std::move(validity), leaf.values}, nulls);
  }
  const auto& list = checked_cast<const arrow::FixedSizeListType&>(*type);
  auto items = MakeItems(list.value_type(), leaf, n * list.list_size(), level + 1);
  return ArrayData::Make(type, n, {std::move(validity)}, {std::move(items)}, nulls);
}

Result<encoding::LeafType> FixedSizeListLeaf(const arrow::DataType& type) {
  encoding::LeafType leaf;
  const arrow::DataType* item = &type;
  uint64_t items = 1;
  while (item->id() == arrow::Type::FIXED_SIZE_LIST) {
    const auto& list = checked_cast<const arrow::FixedSizeListType&>(*item);
    leaf.shape.list_sizes.push_back(static_cast<uint64_t>(list.list_size()));
    items *= static_cast<uint64_t>(list.list_size());
    if (list.list_size() <= 0 || items > kMaxBits) {
      return MakeError(ErrorKind::kUnsupported, "type " + type.ToString() + " is not supported");
    }
    item = list.value_type().get();
  }
  if (!arrow::is_fixed_width(item->id()) || item->id() == arrow::Type::DICTIONARY) {
    return MakeError(ErrorKind::kUnsupported, "type " + type.ToString() + " is not supported");
  }
  leaf.shape.bits =
      static_cast<uint64_t>(checked_cast<const arrow::FixedWidthType&>(*item).bit_width()) * items;
  return leaf;
}

Result<encoding::LeafType> ValueType(const arrow::DataType& type) {
  encoding::LeafType leaf;
  switch (type.id()) {
    case arrow::Type::NA:
    case arrow::Type::STRUCT:  // without children: a column without values
      return leaf;
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      leaf.shape.variable = true;
      return leaf;
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      leaf.shape.variable = true;
      leaf.wide_offsets = true;
      return leaf;
    case arrow::Type::FIXED_SIZE_LIST:
      return FixedSizeListLeaf(type);
    case arrow::Type::DICTIONARY: {
      const auto& dictionary = checked_cast<const arrow::DictionaryType&>(type);
      leaf.dictionary = true;
      leaf.dictionary_type = dictionary.value_type();
      leaf.shape.bits = static_cast<uint64_t>(
          checked_cast<const arrow::FixedWidthType&>(*dictionary.index_type()).bit_width());
      const auto& values = *dictionary.value_type();
      if (!arrow::is_base_binary_like(values.id()) &&
          (!arrow::is_fixed_width(values.id()) ||
           checked_cast<const arrow::FixedWidthType&>(values).bit_width() % 8 != 0)) {
        break;
      }
      return leaf;
    }
    default:
      if (!arrow::is_fixed_width(type.id())) break;
      leaf.shape.bits =
          static_cast<uint64_t>(checked_cast<const arrow::FixedWidthType&>(type).bit_width());
      return leaf;
  }
  return MakeError(ErrorKind::kUnsupported, "type " + type.ToString() + " is not supported");
}

Result<encoding::LeafType> PackedType(const arrow::StructType& type, bool lists_are_fixed) {
  encoding::LeafType leaf;
  for (const auto& field : type.fields()) {
    ARROW_ASSIGN_OR_RAISE(encoding::LeafType child, ValueType(*field->type()));
    if (child.dictionary || (!child.shape.variable && child.shape.bits % 8 != 0)) {
      return MakeError(ErrorKind::kUnsupported,
                       "a packed struct with a field of type " + field->type()->ToString());
    }
    leaf.shape.variable |=
        child.shape.variable || (!lists_are_fixed && !child.shape.list_sizes.empty());
    leaf.shape.bits += child.shape.bits;
    leaf.shape.fields.push_back(child.shape.variable ? 0 : child.shape.bits);
  }
  if (leaf.shape.variable) leaf.shape.bits = 0;
  leaf.wide_offsets = leaf.shape.variable;
  return leaf;
}

Result<std::shared_ptr<ArrayData>> MakeValueArray(const std::shared_ptr<arrow::DataType>& type,
                                                  const encoding::LeafData& leaf,
                                                  std::shared_ptr<arrow::Buffer> validity,
                                                  int64_t null_count) {
  switch (type->id()) {
    case arrow::Type::NA:
      return ArrayData::Make(type, leaf.slots, {nullptr}, leaf.slots);
    case arrow::Type::STRUCT:  // without children
      return ArrayData::Make(type, leaf.slots, {std::move(validity)}, null_count);
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return ArrayData::Make(type, leaf.slots, {std::move(validity), leaf.offsets, leaf.values},
                             null_count);
    case arrow::Type::DICTIONARY:
      return MakeDictionaryArray(type, leaf, std::move(validity), null_count);
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& list = checked_cast<const arrow::FixedSizeListType&>(*type);
      auto items = MakeItems(list.value_type(), leaf, leaf.slots * list.list_size(), 0);
      return ArrayData::Make(type, leaf.slots, {std::move(validity)}, {std::move(items)},
                             null_count);
    }
    default:
      return ArrayData::Make(type, leaf.slots, {std::move(validity), leaf.values}, null_count);
  }
}

Result<std::shared_ptr<ArrayData>> SplitPackedStruct(const std::shared_ptr<arrow::DataType>& type,
                                                     const encoding::LeafData& leaf,
                                                     std::shared_ptr<arrow::Buffer> validity,
                                                     int64_t null_count, arrow::MemoryPool* pool) {
  const auto& struct_type = checked_cast<const arrow::StructType&>(*type);
  std::vector<std::unique_ptr<encoding::LeafBuilder>> builders;
  uint64_t row_bytes = 0;  // of rows of fixed width
  for (const auto& field : struct_type.fields()) {
    ARROW_ASSIGN_OR_RAISE(encoding::LeafType child, ValueType(*field->type()));
    ARROW_ASSIGN_OR_RAISE(auto builder,
                          encoding::LeafBuilder::MakeFlat(child, leaf.slots, true, pool));
    row_bytes += child.shape.bits / 8;
    builders.push_back(std::move(builder));
  }
  const std::byte* rows = reinterpret_cast<const std::byte*>(leaf.values->data());
  const auto* offsets =
      leaf.offsets ? reinterpret_cast<const int64_t*>(leaf.offsets->data()) : nullptr;
  for (int64_t i = 0; i < leaf.slots; ++i) {
    const bytes::Bytes row =
        offsets ? bytes::Bytes(rows + offsets[i], static_cast<size_t>(offsets[i + 1] - offsets[i]))
                : bytes::Bytes(rows + static_cast<uint64_t>(i) * row_bytes, row_bytes);
    const bool valid = IsValid(validity, i);
    bytes::ByteReader reader(row);
    for (auto& builder : builders) {
      const auto& shape = builder->type().shape;
      if (!valid) {
        ARROW_RETURN_NOT_OK(builder->PutNothing(i, 1));
      } else if (shape.variable) {
        ARROW_ASSIGN_OR_RAISE(uint32_t length, reader.Read<uint32_t>("length of a packed field"));
        ARROW_ASSIGN_OR_RAISE(bytes::Bytes value, reader.Take(length, "packed field"));
        ARROW_RETURN_NOT_OK(builder->PutBytes(i, value, true));
      } else {
        ARROW_ASSIGN_OR_RAISE(bytes::Bytes value, reader.Take(shape.bits / 8, "packed field"));
        ARROW_RETURN_NOT_OK(builder->PutRepeated(i, value, 1));
      }
    }
    if (valid && reader.remaining() > 0)
      return bytes::Corrupt("a packed row is longer than its fields");
  }
  std::vector<std::shared_ptr<ArrayData>> children;
  for (size_t i = 0; i < builders.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(encoding::LeafData child, builders[i]->Finish());
    child.item_validity.resize(builders[i]->type().shape.list_sizes.size());
    ARROW_ASSIGN_OR_RAISE(auto array, MakeValueArray(struct_type.field(static_cast<int>(i))->type(),
                                                     child, nullptr, 0));
    children.push_back(std::move(array));
  }
  return ArrayData::Make(type, leaf.slots, {std::move(validity)}, std::move(children), null_count);
}

}  // namespace

Result<encoding::LeafType> LeafTypeOf(const FieldNode& node, bool lists_are_fixed) {
  const arrow::DataType& type = *node.field->type();
  switch (node.kind) {
    case NodeKind::kPackedStruct:
      return PackedType(checked_cast<const arrow::StructType&>(type), lists_are_fixed);
    case NodeKind::kBlobV1:
      return encoding::LeafType{.shape = {.bits = 128, .fields = {64, 64}}};
    case NodeKind::kBlobV2:
      return encoding::LeafType{.shape = {.variable = true, .fields = {8, 64, 64, 32, 0}},
                                .wide_offsets = true};
    case NodeKind::kJson:
      return encoding::LeafType{.shape = {.variable = true}, .wide_offsets = true};
    default:
      return ValueType(type);
  }
}

Result<std::shared_ptr<ArrayData>> MakeLeafArray(const FieldNode& node,
                                                 const encoding::LeafData& leaf,
                                                 LeafValidity validity, arrow::MemoryPool* pool) {
  const auto& type = node.field->type();
  switch (node.kind) {
    case NodeKind::kPackedStruct:
      return SplitPackedStruct(type, leaf, std::move(validity.bitmap), validity.null_count, pool);
    case NodeKind::kJson:
      return MakeJsonArray(leaf, validity.bitmap, pool);
    default:
      return MakeValueArray(type, leaf, std::move(validity.bitmap), validity.null_count);
  }
}

}  // namespace pilum::file
