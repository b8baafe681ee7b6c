#include "encoding/page_layout/dictionary.h"

#include <string>
#include <utility>

#include <arrow/type_traits.h>
#include <arrow/util/byte_size.h>

#include "encoding/items_array.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kMaxItems = uint64_t{1} << 30;

bool IsIndexWidth(uint64_t bits) { return bits == 8 || bits == 16 || bits == 32 || bits == 64; }

template <typename Index>
void Widen(const std::byte* indices, std::span<uint64_t> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = bytes::Load<Index>(indices + i * sizeof(Index));
}

}  // namespace

void LoadIndices(const std::byte* indices, uint64_t bits, std::span<uint64_t> out) {
  switch (bits) {
    case 8:
      return Widen<uint8_t>(indices, out);
    case 16:
      return Widen<uint16_t>(indices, out);
    case 32:
      return Widen<uint32_t>(indices, out);
    default:
      return Widen<uint64_t>(indices, out);
  }
}

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
    dictionary.items = {};
    dictionary.arena.reset();
    dictionary.storage.reset();
  }
  return dictionary;
}

Status PageDictionary::PutItems(const Values& indices, uint64_t bits, std::span<const uint16_t> def,
                                int64_t slot, uint64_t first, uint64_t n, Arena* scratch,
                                LeafBuilder* builder) const {
  const std::span<uint64_t> index(scratch->AllocateArray<uint64_t>(n), n);
  LoadIndices(indices.fixed.data() + first * bits / 8, bits, index);
  for (uint64_t i = 0; i < n; ++i) {
    if (index[i] < num_items) continue;
    if (def.empty() || def[first + i] == 0) {
      return bytes::Corrupt("dictionary index " + std::to_string(index[i]) + " of " +
                            std::to_string(num_items) + " items");
    }
    index[i] = LeafBuilder::kNoItem;
  }
  return builder->PutGathered(slot, items, index);
}

size_t PageDictionary::memory_bytes() const {
  size_t size = arena ? arena->capacity() : 0;
  if (storage) size += static_cast<size_t>(storage->size());
  if (array) size += static_cast<size_t>(arrow::util::TotalBufferSize(*array));
  return size;
}

}  // namespace pilum::encoding
