#include "file/layer_array.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <arrow/type.h>
#include <arrow/util/bit_util.h>

#include "bytes/byte_reader.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using encoding::Layer;

// Which entries open a slot of a layer, and which of its children.
struct LayerRule {
  uint16_t slot_rep;      // entries with at least this repetition level start a slot …
  uint16_t exists_below;  // … if their definition level is lower than this
  uint16_t null_level;    // at this definition level or above the slot is null, but …
  uint16_t empty_level;   // … here it is an empty list
  bool is_list;
};

LayerRule RuleOf(const encoding::LevelScheme& scheme, size_t layer) {
  const auto& layers = scheme.layers();
  LayerRule rule{};
  rule.is_list = layers[layer] == Layer::kList;
  for (size_t i = 0; i <= layer; ++i) rule.slot_rep += layers[i] == Layer::kList;
  rule.exists_below = UINT16_MAX;
  for (size_t i = layer + 1; i < layers.size(); ++i) {
    if (layers[i] != Layer::kList) continue;
    rule.exists_below = scheme.null_level(i);
    break;
  }
  rule.null_level = scheme.null_level(layer);
  rule.empty_level = rule.is_list ? static_cast<uint16_t>(rule.null_level + 1) : UINT16_MAX;
  return rule;
}

}  // namespace

arrow::Result<LayerArrays> ReadLayer(const encoding::LevelScheme& scheme, size_t layer,
                                     const encoding::LeafData& leaf, int64_t item_stride,
                                     arrow::MemoryPool* pool) {
  const LayerRule rule = RuleOf(scheme, layer);
  const size_t entries = leaf.def.size();
  LayerArrays arrays;
  ARROW_ASSIGN_OR_RAISE(auto bitmap, arrow::AllocateBitmap(static_cast<int64_t>(entries), pool));
  uint8_t* valid = bitmap->mutable_data();
  std::memset(valid, 0xff, static_cast<size_t>(bitmap->size()));
  int64_t children = 0;
  int64_t items = 0;
  for (size_t i = 0; i < entries; ++i) {
    const uint16_t rep = leaf.rep.empty() ? rule.slot_rep : leaf.rep[i];
    const uint16_t def = leaf.def[i];
    if (rep >= rule.slot_rep && def < rule.exists_below && items++ % item_stride == 0) {
      if (rule.is_list) arrays.offsets.push_back(children);
      if (def >= rule.null_level && def != rule.empty_level) {
        arrow::bit_util::ClearBit(valid, arrays.slots);
        ++arrays.null_count;
      }
      ++arrays.slots;
    }
    if (rule.is_list && rep + 1 >= rule.slot_rep && def < rule.null_level) ++children;
  }
  if (rule.is_list) arrays.offsets.push_back(children);
  if (arrays.null_count > 0) arrays.validity = std::move(bitmap);
  return arrays;
}

arrow::Result<std::shared_ptr<arrow::ArrayData>> MakeListArray(
    const std::shared_ptr<arrow::DataType>& type, LayerArrays lists,
    std::shared_ptr<arrow::ArrayData> child, arrow::MemoryPool* pool) {
  if (lists.offsets.back() != child->length) {
    return bytes::Corrupt("lists of " + std::to_string(lists.offsets.back()) +
                          " items in total, of which " + std::to_string(child->length) +
                          " are there");
  }
  const bool wide = type->id() == arrow::Type::LARGE_LIST;
  if (!wide && child->length > INT32_MAX) {
    return MakeError(ErrorKind::kInvalidArgument,
                     "more than 2^31 list items in one batch; ask for a smaller batch size");
  }
  const auto n = static_cast<int64_t>(lists.offsets.size());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets,
                        arrow::AllocateBuffer(n * (wide ? 8 : 4), pool));
  if (wide) {
    std::copy(lists.offsets.begin(), lists.offsets.end(),
              reinterpret_cast<int64_t*>(offsets->mutable_data()));
  } else {
    std::transform(lists.offsets.begin(), lists.offsets.end(),
                   reinterpret_cast<int32_t*>(offsets->mutable_data()),
                   [](int64_t offset) { return static_cast<int32_t>(offset); });
  }
  return arrow::ArrayData::Make(type, lists.slots, {std::move(lists.validity), std::move(offsets)},
                                {std::move(child)}, lists.null_count);
}

}  // namespace pilum::file
