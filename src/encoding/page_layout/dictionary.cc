#include "encoding/page_layout/dictionary.h"

#include <cstring>
#include <string>
#include <utility>

#include <arrow/type_traits.h>

#include "encoding/items_array.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kMaxItems = uint64_t{1} << 30;
constexpr uint64_t kNoItem = ~uint64_t{0};  // the index of a null

bool IsIndexWidth(uint64_t bits) { return bits == 8 || bits == 16 || bits == 32 || bits == 64; }

uint64_t LoadIndex(const std::byte* p, uint64_t bits) {
  switch (bits) {
    case 8:
      return bytes::Load<uint8_t>(p);
    case 16:
      return bytes::Load<uint16_t>(p);
    case 32:
      return bytes::Load<uint32_t>(p);
    default:
      return bytes::Load<uint64_t>(p);
  }
}

}  // namespace

Result<std::unique_ptr<DictionaryDecoder>> DictionaryDecoder::Make(const Wire& wire,
                                                                   uint64_t num_items,
                                                                   const ValueShape& index_shape,
                                                                   const LeafType& type) {
  if (index_shape.variable || !index_shape.list_sizes.empty() || !IsIndexWidth(index_shape.bits)) {
    return bytes::Corrupt("dictionary indices that are no integers");
  }
  std::unique_ptr<DictionaryDecoder> decoder(new DictionaryDecoder());
  ARROW_ASSIGN_OR_RAISE(decoder->block_, MakeBlockDecoder(wire));
  decoder->num_items_ = num_items;
  if (num_items > kMaxItems)
    return bytes::Corrupt("dictionary of " + std::to_string(num_items) + " items");
  ValueShape expected = type.shape;
  if (type.dictionary) {
    if (index_shape.bits != type.shape.bits)
      return bytes::Corrupt("dictionary keys of another width than the column's");
    decoder->array_type_ = type.dictionary_type;
    const auto id = type.dictionary_type->id();
    expected = {};
    expected.variable = arrow::is_base_binary_like(id);
    if (!expected.variable) {
      expected.bits = static_cast<uint64_t>(
          arrow::internal::checked_cast<const arrow::FixedWidthType&>(*type.dictionary_type)
              .bit_width());
    }
  }
  if (!expected.variable && expected.bits % 8 != 0)
    return bytes::Corrupt("dictionary of single bits");
  if (decoder->block_->shape() != expected)
    return bytes::Corrupt("dictionary items are not of the column's type");
  return decoder;
}

Result<PageDictionary> DictionaryDecoder::Decode(Bytes bytes) const {
  PageDictionary dictionary;
  dictionary.arena = std::make_shared<Arena>();
  ARROW_ASSIGN_OR_RAISE(dictionary.storage, CopyBytes(bytes));
  const Bytes copy(reinterpret_cast<const std::byte*>(dictionary.storage->data()), bytes.size());
  ARROW_ASSIGN_OR_RAISE(dictionary.items, block_->Decode(copy, num_items_, dictionary.arena.get()));
  dictionary.num_items = num_items_;
  if (array_type_) {
    ARROW_ASSIGN_OR_RAISE(dictionary.array,
                          MakeItemsArray(array_type_, dictionary.items, num_items_));
  }
  return dictionary;
}

Status PageDictionary::PutItems(const Values& indices, uint64_t bits, std::span<const uint16_t> def,
                                int64_t slot, uint64_t first, uint64_t n, Arena* scratch,
                                LeafBuilder* builder) const {
  uint64_t* index = scratch->AllocateArray<uint64_t>(n);
  for (uint64_t i = 0; i < n; ++i) {
    index[i] = LoadIndex(indices.fixed.data() + (first + i) * bits / 8, bits);
    if (index[i] < num_items) continue;
    if (def.empty() || def[first + i] == 0) {
      return bytes::Corrupt("dictionary index " + std::to_string(index[i]) + " of " +
                            std::to_string(num_items) + " items");
    }
    index[i] = kNoItem;
  }
  if (builder->type().shape.variable) {
    for (uint64_t i = 0; i < n; ++i) {
      const Bytes item =
          index[i] == kNoItem
              ? Bytes()
              : items.bytes.subspan(items.offsets[index[i]],
                                    items.offsets[index[i] + 1] - items.offsets[index[i]]);
      ARROW_RETURN_NOT_OK(builder->PutBytes(slot + static_cast<int64_t>(i), item, /*stable=*/true));
    }
    return Status::OK();
  }
  const uint64_t width = builder->type().shape.bits / 8;
  Values gathered;
  std::byte* out = scratch->Allocate(n * width);
  gathered.fixed = Bytes(out, n * width);
  gathered.item_validity.resize(builder->type().shape.list_sizes.size());
  for (uint64_t i = 0; i < n; ++i, out += width) {
    if (index[i] == kNoItem) {
      std::memset(out, 0, width);
    } else {
      std::memcpy(out, items.fixed.data() + index[i] * width, width);
    }
  }
  return builder->Put(slot, gathered, 0, n, false);
}

}  // namespace pilum::encoding
