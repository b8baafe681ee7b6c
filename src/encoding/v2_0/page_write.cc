#include "encoding/v2_0/page_write.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/util/bit_util.h>

#include "encoding/choose/statistics.h"
#include "encoding/fsst/fsst_page.h"
#include "encoding/general/general_encode.h"
#include "pilum/error.h"

namespace pilum::encoding::v2_0 {
namespace {

using arrow::Result;
using arrow::Status;
using WireArray = lance::encodings::ArrayEncoding;

constexpr uint64_t kLeastDictionaryRows = 100;
constexpr uint64_t kMostDictionaryItems = 99;

WireArray Valid(WireArray values) {
  WireArray wire;
  *wire.mutable_nullable()->mutable_no_nulls()->mutable_values() = std::move(values);
  return wire;
}

class PageMaker {
 public:
  PageMaker(const LeafRows& rows, const LeafType& type, const LeafOptions& options)
      : rows_(rows), type_(type), options_(options) {}

  Result<WrittenPage> Make() {
    page_.slots = rows_.slots;
    if (rows_.slots == 0 && type_.shape.variable) {
      ARROW_ASSIGN_OR_RAISE(page_.encoding, Binary({}, {}, [](uint64_t) { return false; }));
    } else if (NumNulls() == rows_.slots && type_.shape.fields.empty()) {
      page_.encoding.mutable_nullable()->mutable_all_nulls();
    } else if (type_.dictionary) {
      ARROW_RETURN_NOT_OK(PutArrowDictionary());
    } else if (type_.shape.variable) {
      ARROW_RETURN_NOT_OK(PutVariable());
    } else {
      PutFixed();
    }
    return std::move(page_);
  }

 private:
  bool IsNull(uint64_t slot) const { return !rows_.def.empty() && rows_.def[slot] != 0; }
  uint64_t NumNulls() const {
    return static_cast<uint64_t>(
        std::count_if(rows_.def.begin(), rows_.def.end(), [](uint16_t def) { return def != 0; }));
  }

  WireArray Put(Bytes bytes, uint64_t bits) {
    ByteWriter out(options_.pool);
    out.Append(bytes);
    return Put(out.Finish(), bits);
  }
  WireArray Put(std::shared_ptr<arrow::Buffer> buffer, uint64_t bits) {
    WireArray wire;
    wire.mutable_flat()->set_bits_per_value(bits);
    wire.mutable_flat()->mutable_buffer()->set_buffer_index(
        static_cast<uint32_t>(page_.buffers.size()));
    page_.buffers.push_back(std::move(buffer));
    return wire;
  }

  void PutFixed() {
    if (!type_.shape.fields.empty()) {
      page_.encoding = PackedStruct();
    } else if (NumNulls() == 0) {
      *page_.encoding.mutable_nullable()->mutable_no_nulls()->mutable_values() = FixedValues();
    } else {
      auto* nulls = page_.encoding.mutable_nullable()->mutable_some_nulls();
      *nulls->mutable_validity() = Put(Validity(), 1);
      *nulls->mutable_values() = FixedValues();
    }
  }

  std::shared_ptr<arrow::Buffer> Validity() const {
    ByteWriter out(options_.pool);
    const uint64_t size = (rows_.slots + 7) / 8;
    auto* bits = reinterpret_cast<uint8_t*>(out.Extend(size));
    std::fill_n(bits, size, uint8_t{0});
    for (uint64_t i = 0; i < rows_.slots; ++i) {
      if (!IsNull(i)) arrow::bit_util::SetBit(bits, static_cast<int64_t>(i));
    }
    return out.Finish();
  }

  // The values, inside the lists around them; bitmaps of items come before what they are about.
  WireArray FixedValues() {
    const auto& sizes = type_.shape.list_sizes;
    uint64_t items = 1;
    std::vector<std::optional<WireArray>> validity;
    for (size_t level = 0; level < sizes.size(); ++level) {
      items *= sizes[level];
      const bool nulls =
          level < rows_.values.item_validity.size() && !rows_.values.item_validity[level].empty();
      validity.emplace_back();
      if (nulls) {
        const Bytes bitmap = rows_.values.item_validity[level];
        validity.back() = Put(bitmap.first((rows_.slots * items + 7) / 8), 1);
      }
    }
    WireArray wire = Put(rows_.values.fixed.first((rows_.slots * type_.shape.bits + 7) / 8),
                         type_.shape.bits / items);
    for (size_t level = sizes.size(); level-- > 0;) {
      WireArray list;
      list.mutable_fixed_size_list()->set_dimension(static_cast<uint32_t>(sizes[level]));
      auto* nullable = list.mutable_fixed_size_list()->mutable_items()->mutable_nullable();
      if (validity[level]) {
        *nullable->mutable_some_nulls()->mutable_validity() = *std::move(validity[level]);
        *nullable->mutable_some_nulls()->mutable_values() = std::move(wire);
      } else {
        *nullable->mutable_no_nulls()->mutable_values() = std::move(wire);
      }
      wire = std::move(list);
    }
    return wire;
  }

  WireArray PackedStruct() {
    WireArray wire;
    auto* packed = wire.mutable_packed_struct();
    for (size_t i = 0; i < type_.shape.fields.size(); ++i) {
      const auto lists =
          i < options_.packed_lists.size() ? options_.packed_lists[i] : std::vector<uint64_t>();
      uint64_t items = 1;
      for (const uint64_t size : lists) items *= size;
      WireArray field;
      field.mutable_flat()->set_bits_per_value(type_.shape.fields[i] / items);
      field.mutable_flat()->mutable_buffer();
      field = Valid(std::move(field));
      for (size_t level = lists.size(); level-- > 0;) {
        WireArray list;
        list.mutable_fixed_size_list()->set_dimension(static_cast<uint32_t>(lists[level]));
        *list.mutable_fixed_size_list()->mutable_items() = std::move(field);
        field = Valid(std::move(list));
      }
      *packed->add_inner() = std::move(field);
    }
    packed->mutable_buffer()->set_buffer_index(static_cast<uint32_t>(page_.buffers.size()));
    (void)Put(rows_.values.fixed.first(rows_.slots * type_.shape.bits / 8), type_.shape.bits);
    return wire;
  }

  Status PutVariable() {
    if (options_.is_text && rows_.slots >= kLeastDictionaryRows) {
      DistinctValues found;
      const auto offsets = rows_.values.offsets.first(rows_.slots + 1);
      if (CountDistinct(offsets, rows_.values.bytes, kMostDictionaryItems, &found) <=
          kMostDictionaryItems)
        return PutTextDictionary(found);
    }
    const auto ends = rows_.values.offsets.subspan(1, rows_.slots);
    if (options_.compression.symbols) {
      const FsstEncoder encoder = FsstEncoder::Train(rows_.values.offsets, rows_.values.bytes);
      const FsstValues encoded(rows_.values, encoder);
      ARROW_ASSIGN_OR_RAISE(*page_.encoding.mutable_fsst()->mutable_binary(),
                            Binary(encoded.values().offsets.subspan(1, rows_.slots),
                                   encoded.values().bytes, [&](uint64_t i) { return IsNull(i); }));
      page_.encoding.mutable_fsst()->set_symbol_table(encoded.symbol_table());
      return Status::OK();
    }
    const uint32_t first = rows_.values.offsets.front();
    ARROW_ASSIGN_OR_RAISE(
        page_.encoding,
        Binary(ends, rows_.values.bytes.subspan(first, rows_.values.offsets.back() - first),
               [&](uint64_t i) { return IsNull(i); }));
    return Status::OK();
  }

  // `ends` among all bytes; those of nulls are where the value before ends, more than there can be.
  template <typename IsNullAt>
  Result<WireArray> Binary(std::span<const uint32_t> ends, Bytes bytes, IsNullAt is_null) {
    const uint64_t adjustment = bytes.size() + 1;
    ByteWriter out(options_.pool);
    for (uint64_t i = 0; i < ends.size(); ++i)
      out.Put(uint64_t{ends[i]} + (is_null(i) ? adjustment : 0));
    WireArray wire;
    auto* binary = wire.mutable_binary();
    *binary->mutable_indices() = Valid(Put(out.Finish(), 64));
    ARROW_ASSIGN_OR_RAISE(*binary->mutable_bytes(), PutBytes(bytes));
    binary->set_null_adjustment(adjustment);
    return wire;
  }

  Result<WireArray> PutBytes(Bytes bytes) {
    const auto& request = options_.compression;
    if (!request.general) return Put(bytes, 8);
    ARROW_ASSIGN_OR_RAISE(auto compressor, GeneralEncoder::Make(*request.general, request.level));
    std::vector<std::byte> compressed;
    ARROW_RETURN_NOT_OK(compressor.Compress(bytes, &compressed));
    WireArray wire = Put(compressed, 8);
    wire.mutable_flat()->mutable_compression()->set_scheme(
        *request.general == CompressionScheme::kZstd ? "zstd" : "lz4");
    return wire;
  }

  // Index 0 is null, i is item i - 1.
  Status PutTextDictionary(const DistinctValues& found) {
    ByteWriter keys(options_.pool);
    for (uint64_t i = 0; i < rows_.slots; ++i)
      keys.Put(IsNull(i) ? uint8_t{0} : static_cast<uint8_t>(found.indices[i] + 1));
    auto* dictionary = page_.encoding.mutable_dictionary();
    *dictionary->mutable_indices() = Valid(Put(keys.Finish(), 8));
    ByteWriter items(options_.pool);
    std::vector<uint32_t> ends;
    for (const uint32_t i : found.first) {
      const uint32_t begin = rows_.values.offsets[i];
      items.Append(rows_.values.bytes.subspan(begin, rows_.values.offsets[i + 1] - begin));
      ends.push_back(static_cast<uint32_t>(items.size()));
    }
    ARROW_ASSIGN_OR_RAISE(*dictionary->mutable_items(),
                          Binary(ends, items.view(), [](uint64_t) { return false; }));
    dictionary->set_num_dictionary_items(static_cast<uint32_t>(ends.size()));
    return Status::OK();
  }

  // Nulls are keys of an item of their own, which is null.
  Status PutArrowDictionary() {
    const arrow::Array& items = *rows_.dictionary;
    if (items.null_count() > 0) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "the dictionary has null items; let the keys of such rows be null instead");
    }
    const auto num_items = static_cast<uint64_t>(items.length());
    const bool nulls = NumNulls() > 0;
    if (nulls && num_items >> (type_.shape.bits - 1) != 0) {
      return MakeError(ErrorKind::kUnsupported,
                       "storage version 2.0 needs one more key for null, but " +
                           std::to_string(num_items) + " items take them all; use wider keys");
    }
    auto* dictionary = page_.encoding.mutable_dictionary();
    *dictionary->mutable_indices() = Valid(Put(KeysWithNull(num_items), type_.shape.bits));
    ARROW_ASSIGN_OR_RAISE(*dictionary->mutable_items(), DictionaryItems(*items.data(), nulls));
    dictionary->set_num_dictionary_items(static_cast<uint32_t>(num_items + (nulls ? 1 : 0)));
    return Status::OK();
  }

  std::shared_ptr<arrow::Buffer> KeysWithNull(uint64_t null_key) const {
    const size_t width = type_.shape.bits / 8;
    ByteWriter keys(options_.pool);
    keys.Append(rows_.values.fixed.first(rows_.slots * width));
    for (uint64_t i = 0; i < rows_.slots; ++i) {
      for (size_t byte = 0; IsNull(i) && byte < width; ++byte)
        keys.PutAt(i * width + byte, static_cast<uint8_t>(null_key >> (8 * byte)));
    }
    return keys.Finish();
  }

  Result<WireArray> DictionaryItems(const arrow::ArrayData& items, bool with_null) {
    switch (items.type->id()) {
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        return VariableItems<int32_t>(items, with_null);
      case arrow::Type::LARGE_STRING:
      case arrow::Type::LARGE_BINARY:
        return VariableItems<int64_t>(items, with_null);
      default:
        return FixedItems(items, with_null);
    }
  }

  template <typename Offset>
  Result<WireArray> VariableItems(const arrow::ArrayData& items, bool with_null) {
    const auto n = static_cast<uint64_t>(items.length);
    const Offset* offsets = items.GetValues<Offset>(1);
    std::vector<uint32_t> ends;
    for (uint64_t i = 0; i < n; ++i)
      ends.push_back(static_cast<uint32_t>(offsets[i + 1] - offsets[0]));
    Bytes bytes;
    if (!ends.empty() && ends.back() > 0)
      bytes = {reinterpret_cast<const std::byte*>(items.buffers[2]->data()) + offsets[0],
               ends.back()};
    if (with_null) ends.push_back(static_cast<uint32_t>(bytes.size()));
    return Binary(ends, bytes, [n](uint64_t i) { return i == n; });
  }

  WireArray FixedItems(const arrow::ArrayData& items, bool with_null) {
    const auto n = static_cast<uint64_t>(items.length);
    const auto width = static_cast<uint64_t>(items.type->bit_width()) / 8;
    ByteWriter values(options_.pool);
    if (n > 0) {
      values.Append({reinterpret_cast<const std::byte*>(items.buffers[1]->data()) +
                         static_cast<uint64_t>(items.offset) * width,
                     n * width});
    }
    if (!with_null) return Valid(Put(values.Finish(), width * 8));
    std::fill_n(values.Extend(width), width, std::byte{0});
    std::vector<std::byte> validity(n / 8 + 1);
    for (uint64_t i = 0; i < n; ++i) validity[i / 8] |= std::byte{1} << (i % 8);
    WireArray wire;
    auto* nulls = wire.mutable_nullable()->mutable_some_nulls();
    *nulls->mutable_validity() = Put(validity, 1);
    *nulls->mutable_values() = Put(values.Finish(), width * 8);
    return wire;
  }

  const LeafRows& rows_;
  const LeafType& type_;
  const LeafOptions& options_;
  WrittenPage page_;
};

}  // namespace

Result<WrittenPage> WriteLeafPage(const LeafRows& rows, const LeafType& type,
                                  const LeafOptions& options) {
  return PageMaker(rows, type, options).Make();
}

WrittenPage WriteListPage(std::span<const uint64_t> ends, std::span<const uint8_t> validity,
                          arrow::MemoryPool* pool) {
  WrittenPage page;
  page.slots = ends.size();
  const uint64_t items = ends.empty() ? 0 : ends.back();
  ByteWriter out(pool);
  for (size_t i = 0; i < ends.size(); ++i)
    out.Put(ends[i] + (validity.empty() || validity[i] != 0 ? 0 : items + 1));
  auto* list = page.encoding.mutable_list();
  auto* flat = list->mutable_offsets()
                   ->mutable_nullable()
                   ->mutable_no_nulls()
                   ->mutable_values()
                   ->mutable_flat();
  flat->set_bits_per_value(64);
  flat->mutable_buffer();
  list->set_null_offset_adjustment(items + 1);
  list->set_num_items(items);
  page.buffers.push_back(out.Finish());
  return page;
}

WrittenPage WriteStructPage(uint64_t slots) {
  WrittenPage page;
  page.slots = slots;
  page.encoding.mutable_struct_();
  return page;
}

}  // namespace pilum::encoding::v2_0
