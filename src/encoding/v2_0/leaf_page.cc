#include "encoding/v2_0/leaf_page.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <arrow/type_traits.h>
#include <arrow/util/bitmap_ops.h>

#include "encoding/items_array.h"
#include "pilum/error.h"

namespace pilum::encoding::v2_0 {
namespace {

using arrow::Result;
using arrow::Status;

constexpr int kMaxDepth = 16;

Status Unsupported(const WireArray& wire) {
  return MakeError(
      ErrorKind::kUnsupported,
      "encoding number " + std::to_string(wire.array_encoding_case()) + " of storage version 2.0");
}

Result<FlatBuffer> ParseBuffer(const lance::encodings::Flat& flat,
                               std::span<const ByteRange> buffers) {
  if (flat.buffer().buffer_type() != lance::encodings::Buffer::page ||
      flat.buffer().buffer_index() >= buffers.size()) {
    return bytes::Corrupt("page buffer " + std::to_string(flat.buffer().buffer_index()) + " of " +
                          std::to_string(buffers.size()));
  }
  FlatBuffer buffer;
  buffer.range = buffers[flat.buffer().buffer_index()];
  buffer.bits = flat.bits_per_value();
  ARROW_RETURN_NOT_OK(CheckBits(buffer.bits, "flat encoding"));
  const std::string& scheme = flat.compression().scheme();
  if (scheme == "zstd")
    buffer.compression = CompressionScheme::kZstd;
  else if (scheme == "lz4")
    buffer.compression = CompressionScheme::kLz4;
  else if (!scheme.empty() && scheme != "none") {
    return MakeError(ErrorKind::kUnsupported, "compression scheme '" + scheme + "'");
  }
  return buffer;
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

// A bitmap of valid values as levels: 1 = null.
Result<std::span<const uint16_t>> ReadDef(const FlatBuffer& validity, Bytes fetched, uint64_t first,
                                          uint64_t count, Arena* arena) {
  ARROW_ASSIGN_OR_RAISE(Bytes bits, validity.Align(fetched, first, count, arena));
  uint16_t* def = arena->AllocateArray<uint16_t>(count);
  for (uint64_t i = 0; i < count; ++i) {
    def[i] = !((static_cast<uint8_t>(bits[i / 8]) >> (i % 8)) & 1);
  }
  return std::span<const uint16_t>(def, count);
}

}  // namespace

ByteRange FlatBuffer::RangeOf(uint64_t first, uint64_t count) const {
  if (compression) return range;
  const unsigned __int128 begin = static_cast<unsigned __int128>(first) * bits / 8;
  const unsigned __int128 end = (static_cast<unsigned __int128>(first + count) * bits + 7) / 8;
  if (end > range.length) return {range.offset, range.length};  // too short: Align reports it
  return {range.offset + static_cast<uint64_t>(begin), static_cast<uint64_t>(end - begin)};
}

Result<Bytes> FlatBuffer::Align(Bytes fetched, uint64_t first, uint64_t count, Arena* arena) const {
  const unsigned __int128 end = (static_cast<unsigned __int128>(first + count) * bits + 7) / 8;
  uint64_t begin_bit = first * bits;
  if (compression) {
    ARROW_ASSIGN_OR_RAISE(fetched, Decompress(*compression, fetched, arena));
    if (end > fetched.size())
      return bytes::Truncated("values", 0, static_cast<uint64_t>(end), fetched.size());
    fetched = fetched.subspan(begin_bit / 8);
  } else if (end > range.length) {
    return bytes::Truncated("values", range.offset, static_cast<uint64_t>(end), range.length);
  }
  const uint64_t shift = begin_bit % 8;
  const uint64_t total_bits = count * bits;
  if (shift == 0) return fetched.first((total_bits + 7) / 8);
  std::byte* out = arena->Allocate((total_bits + 7) / 8);
  arrow::internal::CopyBitmap(reinterpret_cast<const uint8_t*>(fetched.data()),
                              static_cast<int64_t>(shift), static_cast<int64_t>(total_bits),
                              reinterpret_cast<uint8_t*>(out), 0);
  return Bytes(out, (total_bits + 7) / 8);
}

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

Result<Ends> ReadEnds(Bytes stored, bool has_previous, uint64_t count, uint64_t adjustment,
                      uint64_t limit, Arena* arena) {
  uint64_t* positions = arena->AllocateArray<uint64_t>(count + 1);
  uint16_t* def = arena->AllocateArray<uint16_t>(count);
  const auto position = [&](uint64_t raw) {
    return adjustment > 0 && raw >= adjustment ? raw - adjustment : raw;
  };
  const std::byte* p = stored.data();
  positions[0] = has_previous ? position(bytes::Load<uint64_t>(p)) : 0;
  if (has_previous) p += 8;
  bool ascending = positions[0] <= limit;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t raw = bytes::Load<uint64_t>(p + i * 8);
    def[i] = adjustment > 0 && raw >= adjustment;
    positions[i + 1] = position(raw);
    ascending &= positions[i + 1] >= positions[i] && positions[i + 1] <= limit;
  }
  if (!ascending)
    return bytes::Corrupt("ends of values do not ascend, or lie beyond " + std::to_string(limit));
  return Ends{{positions, count + 1}, {def, count}};
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
  if (wire.has_packed_struct()) {
    if (wire.packed_struct().buffer().buffer_index() >= buffers.size())
      return bytes::Corrupt("packed rows without a buffer");
    values_ = {buffers[wire.packed_struct().buffer().buffer_index()], type.shape.bits,
               std::nullopt};
  } else if (wire.has_fixed_size_list()) {
    ARROW_RETURN_NOT_OK(ParseFixedSizeList(wire, buffers));
  } else if (wire.has_flat()) {
    ARROW_ASSIGN_OR_RAISE(values_, ParseBuffer(wire.flat(), buffers));
  } else {
    return Unsupported(wire);
  }
  const uint64_t items = lists_.empty() ? 1 : lists_.back().cumulative_items;
  if (type.shape.variable || type.dictionary || lists_.size() != type.shape.list_sizes.size() ||
      values_.bits * items != type.shape.bits) {
    return bytes::Corrupt("the page's values are not of the column's type");
  }
  return Status::OK();
}

Status LeafPage::ParseFixedSizeList(const WireArray& wire, std::span<const ByteRange> buffers) {
  const WireArray* at = &wire;
  uint64_t items = 1;
  while (at->has_fixed_size_list()) {
    const uint64_t dimension = at->fixed_size_list().dimension();
    if (dimension == 0 || items > (uint64_t{1} << 30) / dimension || lists_.size() >= 8) {
      return bytes::Corrupt("fixed-size list of " + std::to_string(dimension) + " items");
    }
    items *= dimension;
    ListLevel level{items, std::nullopt};
    ARROW_ASSIGN_OR_RAISE(at,
                          Unwrap(&at->fixed_size_list().items(), buffers, &level.item_validity));
    if (!at) return MakeError(ErrorKind::kUnsupported, "fixed-size lists whose items are all null");
    lists_.push_back(std::move(level));
  }
  if (!at->has_flat()) return Unsupported(*at);
  ARROW_ASSIGN_OR_RAISE(values_, ParseBuffer(at->flat(), buffers));
  return Status::OK();
}

Status LeafPage::ParseDictionary(const lance::encodings::Dictionary& wire,
                                 std::span<const ByteRange> buffers, const LeafType& type) {
  kind_ = Kind::kDictionary;
  ARROW_ASSIGN_OR_RAISE(FlatArray indices, ParseFlat(wire.indices(), buffers));
  if (indices.validity) {
    if (validity_) return bytes::Corrupt("validity given twice");
    validity_ = indices.validity;
  }
  if (indices.all_null) {
    kind_ = Kind::kAllNull;
    return Status::OK();
  }
  values_ = indices.values;
  num_items_ = wire.num_dictionary_items();
  if (values_.bits > 64 || values_.bits < 8 ||
      (type.dictionary ? values_.bits != type.shape.bits : !type.shape.variable)) {
    return bytes::Corrupt("dictionary indices of " + std::to_string(values_.bits) +
                          " bits in this column");
  }
  const bool variable = !type.dictionary || arrow::is_base_binary_like(type.dictionary_type->id());
  ARROW_ASSIGN_OR_RAISE(const WireArray* items, Unwrap(&wire.items(), buffers, &item_validity_));
  if (!items) {
    kind_ = Kind::kAllNull;
    return Status::OK();
  }
  if (variable) {
    ARROW_ASSIGN_OR_RAISE(binary_, ParseBinary(*items, buffers));
  } else {
    if (!items->has_flat()) return Unsupported(*items);
    ARROW_ASSIGN_OR_RAISE(fixed_items_, ParseBuffer(items->flat(), buffers));
    const auto& item_type =
        arrow::internal::checked_cast<const arrow::FixedWidthType&>(*type.dictionary_type);
    if (fixed_items_->bits != static_cast<uint64_t>(item_type.bit_width())) {
      return bytes::Corrupt("dictionary items are not of the column's type");
    }
  }
  return Status::OK();
}

void LeafPage::FirstRanges(uint64_t first, uint64_t count, std::vector<ByteRange>* ranges) const {
  if (kind_ == Kind::kAllNull) return;
  ranges->push_back(validity_ ? validity_->RangeOf(first, count) : ByteRange{});
  if (kind_ == Kind::kBinary) {
    const uint64_t before = first > 0;
    ranges->push_back(binary_.ends.RangeOf(first - before, count + before));
    return;
  }
  const uint64_t items = lists_.empty() ? 1 : lists_.back().cumulative_items;
  ranges->push_back(values_.RangeOf(first * items, count * items));
  for (const ListLevel& level : lists_) {
    ranges->push_back(level.item_validity
                          ? level.item_validity->RangeOf(first * level.cumulative_items,
                                                         count * level.cumulative_items)
                          : ByteRange{});
  }
  if (kind_ != Kind::kDictionary) return;
  ranges->push_back(fixed_items_ ? fixed_items_->range : binary_.ends.range);
  if (!fixed_items_) ranges->push_back(binary_.bytes.range);
  if (item_validity_) ranges->push_back(item_validity_->range);
}

Status LeafPage::SecondRanges(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                              std::vector<ByteRange>* ranges) const {
  if (kind_ != Kind::kBinary || count == 0) return Status::OK();
  if (binary_.bytes.compression) {
    ranges->push_back(binary_.bytes.range);
    return Status::OK();
  }
  Arena arena;
  const uint64_t before = first > 0;
  ARROW_ASSIGN_OR_RAISE(Bytes stored,
                        binary_.ends.Align(fetched[1], first - before, count + before, &arena));
  ARROW_ASSIGN_OR_RAISE(Ends ends, ReadEnds(stored, before > 0, count, binary_.null_adjustment,
                                            binary_.bytes.range.length, &arena));
  ranges->push_back(
      {binary_.bytes.range.offset + ends.positions[0], ends.positions[count] - ends.positions[0]});
  return Status::OK();
}

Status LeafPage::Decode(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                        std::span<const Bytes> second, int64_t slot, Arena* arena,
                        LeafBuilder* builder) const {
  if (count == 0) return Status::OK();
  if (kind_ == Kind::kAllNull) return builder->PutNulls(slot, count);
  if (validity_) {
    ARROW_ASSIGN_OR_RAISE(auto def, ReadDef(*validity_, fetched[0], first, count, arena));
    ARROW_RETURN_NOT_OK(builder->PutValidity(slot, def));
  }
  switch (kind_) {
    case Kind::kFixed:
      return DecodeFixed(first, count, fetched, slot, arena, builder);
    case Kind::kBinary:
      return DecodeBinary(first, count, fetched, second[0], slot, arena, builder);
    default:
      return DecodeDictionary(first, count, fetched, slot, arena, builder);
  }
}

Status LeafPage::DecodeFixed(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                             int64_t slot, Arena* arena, LeafBuilder* builder) const {
  Values values;
  const uint64_t items = lists_.empty() ? 1 : lists_.back().cumulative_items;
  ARROW_ASSIGN_OR_RAISE(values.fixed,
                        values_.Align(fetched[1], first * items, count * items, arena));
  for (size_t i = 0; i < lists_.size(); ++i) {
    Bytes validity;
    if (lists_[i].item_validity) {
      const uint64_t n = lists_[i].cumulative_items;
      ARROW_ASSIGN_OR_RAISE(
          validity, lists_[i].item_validity->Align(fetched[2 + i], first * n, count * n, arena));
    }
    values.item_validity.push_back(validity);
  }
  return builder->Put(slot, values, 0, count, false);
}

Status LeafPage::DecodeBinary(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                              Bytes bytes, int64_t slot, Arena* arena, LeafBuilder* builder) const {
  const uint64_t before = first > 0;
  ARROW_ASSIGN_OR_RAISE(Bytes stored,
                        binary_.ends.Align(fetched[1], first - before, count + before, arena));
  uint64_t limit = binary_.bytes.range.length;
  if (binary_.bytes.compression) {
    ARROW_ASSIGN_OR_RAISE(bytes, Decompress(*binary_.bytes.compression, bytes, arena));
    limit = bytes.size();
  }
  ARROW_ASSIGN_OR_RAISE(Ends ends,
                        ReadEnds(stored, before > 0, count, binary_.null_adjustment, limit, arena));
  // An uncompressed buffer was fetched from the first value on.
  const uint64_t base = binary_.bytes.compression ? 0 : ends.positions[0];
  ARROW_RETURN_NOT_OK(builder->PutValidity(slot, ends.def));
  for (uint64_t i = 0; i < count; ++i) {
    Bytes value =
        bytes.subspan(ends.positions[i] - base, ends.positions[i + 1] - ends.positions[i]);
    if (binary_.fsst && binary_.fsst->compressed()) {
      std::byte* out = arena->Allocate(FsstTable::MaxDecoded(value.size()));
      ARROW_ASSIGN_OR_RAISE(uint64_t length, binary_.fsst->Decode(value, out));
      value = Bytes(out, length);
    }
    ARROW_RETURN_NOT_OK(builder->PutBytes(slot + static_cast<int64_t>(i), value, false));
  }
  return Status::OK();
}

Result<LeafPage::Items> LeafPage::ReadItems(std::span<const Bytes> fetched, Arena* arena) const {
  Items items;
  if (fixed_items_) {
    ARROW_ASSIGN_OR_RAISE(items.values.fixed,
                          fixed_items_->Align(fetched[2], 0, num_items_, arena));
  } else {
    ARROW_ASSIGN_OR_RAISE(Bytes stored, binary_.ends.Align(fetched[2], 0, num_items_, arena));
    Bytes bytes = fetched[3];
    if (binary_.bytes.compression) {
      ARROW_ASSIGN_OR_RAISE(bytes, Decompress(*binary_.bytes.compression, bytes, arena));
    }
    if (bytes.size() > INT32_MAX) return bytes::Corrupt("a dictionary of more than 2 GiB");
    ARROW_ASSIGN_OR_RAISE(Ends ends, ReadEnds(stored, false, num_items_, binary_.null_adjustment,
                                              bytes.size(), arena));
    uint32_t* offsets = arena->AllocateArray<uint32_t>(num_items_ + 1);
    std::copy(ends.positions.begin(), ends.positions.end(), offsets);
    items.values.bytes = bytes;
    items.values.offsets = {offsets, num_items_ + 1};
    items.def = ends.def;
  }
  if (item_validity_) {
    ARROW_ASSIGN_OR_RAISE(items.def,
                          ReadDef(*item_validity_, fetched.back(), 0, num_items_, arena));
  }
  return items;
}

// Keys of an Arrow dictionary column: a key of a null item is a null.
Status LeafPage::DecodeKeys(Bytes keys, uint64_t count, const Items& items, int64_t slot,
                            Arena* arena, LeafBuilder* builder) const {
  if (!items.def.empty()) {
    uint16_t* def = arena->AllocateArray<uint16_t>(count);
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t key = 0;
      std::memcpy(&key, keys.data() + i * values_.bits / 8, values_.bits / 8);
      def[i] = key < num_items_ && items.def[key] != 0;
    }
    ARROW_RETURN_NOT_OK(builder->PutValidity(slot, {def, count}));
  }
  ARROW_ASSIGN_OR_RAISE(auto dictionary,
                        MakeItemsArray(builder->type().dictionary_type, items.values, num_items_));
  ARROW_RETURN_NOT_OK(builder->UseDictionary(dictionary));
  Values values;
  values.fixed = keys;
  return builder->Put(slot, values, 0, count, false);
}

Status LeafPage::DecodeDictionary(uint64_t first, uint64_t count, std::span<const Bytes> fetched,
                                  int64_t slot, Arena* arena, LeafBuilder* builder) const {
  ARROW_ASSIGN_OR_RAISE(Bytes indices, values_.Align(fetched[1], first, count, arena));
  ARROW_ASSIGN_OR_RAISE(Items items, ReadItems(fetched, arena));
  if (builder->type().dictionary) return DecodeKeys(indices, count, items, slot, arena, builder);
  const auto& offsets = items.values.offsets;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t index = 0;
    std::memcpy(&index, indices.data() + i * values_.bits / 8, values_.bits / 8);
    if (index > num_items_) {
      return bytes::Corrupt("dictionary index " + std::to_string(index) + " of " +
                            std::to_string(num_items_) + " items");
    }
    const uint16_t null = index == 0 || items.def[index - 1] != 0;
    Bytes item;
    if (null) {
      ARROW_RETURN_NOT_OK(builder->PutValidity(slot + static_cast<int64_t>(i), {&null, 1}));
    } else {
      item = items.values.bytes.subspan(offsets[index - 1], offsets[index] - offsets[index - 1]);
    }
    ARROW_RETURN_NOT_OK(builder->PutBytes(slot + static_cast<int64_t>(i), item, false));
  }
  return Status::OK();
}

}  // namespace pilum::encoding::v2_0
