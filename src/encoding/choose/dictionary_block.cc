#include "encoding/choose/dictionary_block.h"

#include <vector>

#include "encoding/flat/flat_encode.h"
#include "encoding/variable/variable_encode.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

DictionaryBlock VariableBlock(const Values& values, bool wide, arrow::MemoryPool* pool) {
  ByteWriter out(pool);
  EncodeVariableBlock(values, wide, &out);
  return {VariableWire(wide ? 64 : 32), values.offsets.size() - 1, out.Finish()};
}

template <typename Offset>
DictionaryBlock ArrowVariableBlock(const arrow::ArrayData& data, arrow::MemoryPool* pool) {
  std::vector<uint32_t> offsets(static_cast<size_t>(data.length) + 1);  // empty: it may have none
  const Offset* from = data.GetValues<Offset>(1);
  for (size_t i = 1; i < offsets.size(); ++i) offsets[i] = static_cast<uint32_t>(from[i] - from[0]);
  Values values;
  values.offsets = offsets;
  if (offsets.back() > 0)
    values.bytes = {reinterpret_cast<const std::byte*>(data.buffers[2]->data()) + from[0],
                    offsets.back()};
  return VariableBlock(values, sizeof(Offset) == 8, pool);
}

}  // namespace

arrow::Result<DictionaryBlock> ArrowDictionaryBlock(const arrow::Array& dictionary,
                                                    arrow::MemoryPool* pool) {
  const arrow::ArrayData& data = *dictionary.data();
  if (dictionary.null_count() > 0) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "the dictionary has null items; let the keys of such rows be null instead");
  }
  switch (dictionary.type_id()) {
    case arrow::Type::STRING:
    case arrow::Type::BINARY:
      return ArrowVariableBlock<int32_t>(data, pool);
    case arrow::Type::LARGE_STRING:
    case arrow::Type::LARGE_BINARY:
      return ArrowVariableBlock<int64_t>(data, pool);
    default:
      break;
  }
  const auto bytes = static_cast<uint64_t>(dictionary.type()->bit_width()) / 8;
  ByteWriter out(pool);
  if (data.length > 0) {
    out.Append({reinterpret_cast<const std::byte*>(data.buffers[1]->data()) +
                    static_cast<uint64_t>(data.offset) * bytes,
                static_cast<uint64_t>(data.length) * bytes});
  }
  return DictionaryBlock{FlatWire(bytes * 8), static_cast<uint64_t>(data.length), out.Finish()};
}

DictionaryBlock DistinctBlock(const Values& values, const LeafType& type,
                              std::span<const uint32_t> positions, arrow::MemoryPool* pool) {
  ByteWriter items(pool);
  if (!type.shape.variable) {
    const uint64_t bytes = type.shape.bits / 8;
    for (uint32_t i : positions) items.Append(values.fixed.subspan(i * bytes, bytes));
    return {FlatWire(bytes * 8), positions.size(), items.Finish()};
  }
  std::vector<uint32_t> offsets = {0};
  for (uint32_t i : positions) {
    items.Append(
        values.bytes.subspan(values.offsets[i], values.offsets[i + 1] - values.offsets[i]));
    offsets.push_back(static_cast<uint32_t>(items.size()));
  }
  Values distinct;
  distinct.offsets = offsets;
  distinct.bytes = items.view();
  return VariableBlock(distinct, type.wide_offsets, pool);
}

}  // namespace pilum::encoding
