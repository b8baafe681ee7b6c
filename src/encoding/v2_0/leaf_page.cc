#include "encoding/v2_0/leaf_page.h"

#include <algorithm>
#include <string>
#include <utility>

#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include "pilum/error.h"

namespace pilum::encoding::v2_0 {
namespace {

using arrow::Result;
using arrow::Status;

constexpr int kMaxDepth = 16;
constexpr size_t kMaxLists = 8;
constexpr uint64_t kMaxItems = uint64_t{1} << 30;  // of the lists of a slot

Status WrongType() { return bytes::Corrupt("the page's values are not of the column's type"); }

Status Unsupported(const WireArray& wire) {
  return MakeError(
      ErrorKind::kUnsupported,
      "encoding number " + std::to_string(wire.array_encoding_case()) + " of storage version 2.0");
}

// Removes wrappers that only say something about nulls. Returns null if all values are.
Result<const WireArray*> Unwrap(const WireArray* wire, std::span<const ByteRange> buffers,
                                std::optional<FlatBuffer>* validity) {
  for (int depth = 0; wire->has_nullable(); ++depth) {
    if (depth > kMaxDepth) return bytes::Corrupt("encodings nest deeper than 16");
    const auto& nullable = wire->nullable();
    switch (nullable.nullability_case()) {
      case lance::encodings::Nullable::kNoNulls:
        wire = &nullable.no_nulls().values();
        break;
      case lance::encodings::Nullable::kAllNulls:
        return nullptr;
      case lance::encodings::Nullable::kSomeNulls: {
        if (*validity) return bytes::Corrupt("validity given twice");
        if (!nullable.some_nulls().validity().has_flat())
          return Unsupported(nullable.some_nulls().validity());
        ARROW_ASSIGN_OR_RAISE(*validity,
                              ParseBuffer(nullable.some_nulls().validity().flat(), buffers));
        if ((*validity)->bits != 1) return bytes::Corrupt("validity that is not a bitmap");
        wire = &nullable.some_nulls().values();
        break;
      }
      default:
        return bytes::Corrupt("a nullable encoding of unknown kind");
    }
  }
  return wire;
}

Result<BinaryArray> ParseBinary(const WireArray& wire, std::span<const ByteRange> buffers) {
  BinaryArray array;
  const WireArray* at = &wire;
  if (at->has_fsst()) {
    const std::string& table = at->fsst().symbol_table();
    ARROW_ASSIGN_OR_RAISE(array.fsst,
                          FsstTable::Parse(std::as_bytes(std::span(table.data(), table.size()))));
    at = &at->fsst().binary();
  }
  if (!at->has_binary()) return Unsupported(*at);
  ARROW_ASSIGN_OR_RAISE(FlatArray ends, ParseFlat(at->binary().indices(), buffers));
  ARROW_ASSIGN_OR_RAISE(FlatArray bytes, ParseFlat(at->binary().bytes(), buffers));
  if (ends.values.bits != 64 || bytes.values.bits != 8 || ends.validity || bytes.validity) {
    return bytes::Corrupt(
        "a binary encoding whose ends are not 64-bit numbers or whose bytes are no bytes");
  }
  array.ends = ends.values;
  array.bytes = bytes.values;
  array.null_adjustment = at->binary().null_adjustment();
  return array;
}

// The bits of a packed struct's field: its values, or the items of its fixed-size lists.
Result<uint64_t> FieldBits(const WireArray& wire) {
  const WireArray* at = &wire;
  uint64_t items = 1;
  for (size_t depth = 0; depth <= kMaxLists; ++depth) {
    if (at->nullable().has_no_nulls()) at = &at->nullable().no_nulls().values();
    if (at->has_flat()) {
      ARROW_RETURN_NOT_OK(CheckBits(at->flat().bits_per_value(), "packed field"));
      return at->flat().bits_per_value() * items;
    }
    if (!at->has_fixed_size_list()) return Unsupported(*at);
    const uint64_t dimension = at->fixed_size_list().dimension();
    if (dimension == 0 || items > kMaxItems / dimension) break;
    items *= dimension;
    at = &at->fixed_size_list().items();
  }
  return bytes::Corrupt("a packed field of lists that are too long or too deep");
}

}  // namespace

Result<FlatArray> ParseFlat(const WireArray& wire, std::span<const ByteRange> buffers) {
  FlatArray array;
  ARROW_ASSIGN_OR_RAISE(const WireArray* flat, Unwrap(&wire, buffers, &array.validity));
  if (!flat) {
    array.all_null = true;
    return array;
  }
  if (!flat->has_flat()) return Unsupported(*flat);
  ARROW_ASSIGN_OR_RAISE(array.values, ParseBuffer(flat->flat(), buffers));
  return array;
}

Result<LeafPage> LeafPage::Make(const WireArray& wire, std::span<const ByteRange> buffers,
                                const LeafType& type) {
  LeafPage page;
  ARROW_ASSIGN_OR_RAISE(const WireArray* values, Unwrap(&wire, buffers, &page.validity_));
  if (values) ARROW_RETURN_NOT_OK(page.ParseValues(*values, buffers, type));
  return page;
}

Status LeafPage::ParseValues(const WireArray& wire, std::span<const ByteRange> buffers,
                             const LeafType& type) {
  if (wire.has_dictionary()) return ParseDictionary(wire.dictionary(), buffers, type);
  if (wire.has_binary() || wire.has_fsst()) {
    if (!type.shape.variable)
      return bytes::Corrupt("variable-width values in a fixed-width column");
    kind_ = Kind::kBinary;
    ARROW_ASSIGN_OR_RAISE(binary_, ParseBinary(wire, buffers));
    return Status::OK();
  }
  kind_ = Kind::kFixed;
  if (type.shape.variable || type.dictionary ||
      wire.has_packed_struct() == type.shape.fields.empty())
    return WrongType();
  if (wire.has_packed_struct()) return ParsePackedStruct(wire.packed_struct(), buffers, type);
  return ParseFixed(wire, buffers, type);
}

Status LeafPage::ParseFixed(const WireArray& wire, std::span<const ByteRange> buffers,
                            const LeafType& type) {
  ARROW_ASSIGN_OR_RAISE(const WireArray* items, ParseLists(wire, buffers));
  ARROW_RETURN_NOT_OK(CheckLists(type));
  if (!items) return Status::OK();
  if (!items->has_flat()) return Unsupported(*items);
  ARROW_ASSIGN_OR_RAISE(values_, ParseBuffer(items->flat(), buffers));
  const bool fits = lists_.size() == type.shape.list_sizes.size() &&
                    values_->bits * items_per_slot() == type.shape.bits;
  return fits ? Status::OK() : WrongType();
}

Status LeafPage::ParsePackedStruct(const lance::encodings::PackedStruct& wire,
                                   std::span<const ByteRange> buffers, const LeafType& type) {
  std::vector<uint64_t> fields;
  for (const WireArray& field : wire.inner()) {
    ARROW_ASSIGN_OR_RAISE(uint64_t bits, FieldBits(field));
    fields.push_back(bits);
  }
  if (fields != type.shape.fields) return WrongType();
  ARROW_ASSIGN_OR_RAISE(const ByteRange range, FindBuffer(wire.buffer(), buffers));
  values_ = {range, type.shape.bits, std::nullopt};
  return Status::OK();
}

// Returns the innermost items; null if all items of the last level are.
Result<const WireArray*> LeafPage::ParseLists(const WireArray& wire,
                                              std::span<const ByteRange> buffers) {
  const WireArray* at = &wire;
  while (at && at->has_fixed_size_list()) {
    const uint64_t dimension = at->fixed_size_list().dimension();
    const uint64_t outer = items_per_slot();
    if (dimension == 0 || outer > kMaxItems / dimension || lists_.size() >= kMaxLists) {
      return bytes::Corrupt("fixed-size list of " + std::to_string(dimension) + " items");
    }
    ListLevel level{dimension, outer * dimension, std::nullopt};
    ARROW_ASSIGN_OR_RAISE(at, Unwrap(&at->fixed_size_list().items(), buffers, &level.validity));
    lists_.push_back(std::move(level));
  }
  return at;
}

Status LeafPage::CheckLists(const LeafType& type) const {
  const auto& sizes = type.shape.list_sizes;
  const bool fits =
      std::equal(lists_.begin(), lists_.end(), sizes.begin(),
                 sizes.begin() + std::min(lists_.size(), sizes.size()),
                 [](const ListLevel& l, uint64_t size) { return l.dimension == size; });
  return fits ? Status::OK() : WrongType();
}

Status LeafPage::ParseDictionary(const lance::encodings::Dictionary& wire,
                                 std::span<const ByteRange> buffers, const LeafType& type) {
  ARROW_ASSIGN_OR_RAISE(FlatArray indices, ParseFlat(wire.indices(), buffers));
  if (indices.validity) {
    if (validity_) return bytes::Corrupt("validity given twice");
    validity_ = indices.validity;
  }
  if (indices.all_null) return Status::OK();
  const uint64_t bits = indices.values.bits;
  const bool is_integer = bits == 8 || bits == 16 || bits == 32 || bits == 64;
  if (!is_integer || (type.dictionary ? bits != type.shape.bits : !type.shape.variable)) {
    return bytes::Corrupt("dictionary indices of " + std::to_string(bits) + " bits in this column");
  }
  values_ = indices.values;
  num_items_ = wire.num_dictionary_items();
  return ParseItems(wire.items(), buffers, type);
}

Status LeafPage::ParseItems(const WireArray& wire, std::span<const ByteRange> buffers,
                            const LeafType& type) {
  ARROW_ASSIGN_OR_RAISE(const WireArray* items, Unwrap(&wire, buffers, &item_validity_));
  if (!items) return Status::OK();
  kind_ = Kind::kDictionary;
  if (!type.dictionary || arrow::is_base_binary_like(type.dictionary_type->id())) {
    ARROW_ASSIGN_OR_RAISE(binary_, ParseBinary(*items, buffers));
    return Status::OK();
  }
  if (!items->has_flat()) return Unsupported(*items);
  ARROW_ASSIGN_OR_RAISE(fixed_items_, ParseBuffer(items->flat(), buffers));
  const auto& item_type =
      arrow::internal::checked_cast<const arrow::FixedWidthType&>(*type.dictionary_type);
  if (fixed_items_->bits != static_cast<uint64_t>(item_type.bit_width())) {
    return bytes::Corrupt("dictionary items are not of the column's type");
  }
  return Status::OK();
}

}  // namespace pilum::encoding::v2_0
