#include "encoding/flat/flat_encode.h"

#include <algorithm>

#include <arrow/util/bitmap_ops.h>

namespace pilum::encoding {
namespace {

constexpr uint64_t kChunkBytes = 8192;

void AppendBits(Bytes bitmap, uint64_t first, uint64_t n, ByteWriter* out) {
  const uint64_t size = (n + 7) / 8;
  std::byte* to = out->Extend(size);
  if (size > 0) to[size - 1] = std::byte{0};
  arrow::internal::CopyBitmap(reinterpret_cast<const uint8_t*>(bitmap.data()),
                              static_cast<int64_t>(first), static_cast<int64_t>(n),
                              reinterpret_cast<uint8_t*>(to), 0);
}

class FlatEncoder final : public MiniBlockEncoder {
 public:
  FlatEncoder(const ValueShape& shape, const Values& values) : shape_(shape), values_(values) {}

  Wire wire() const override { return FixedWire(shape_, values_); }

  uint64_t num_buffers() const override {
    return 1 + static_cast<uint64_t>(std::count_if(values_.item_validity.begin(),
                                                   values_.item_validity.end(),
                                                   [](Bytes bitmap) { return !bitmap.empty(); }));
  }

  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return ChunkOf(std::min(most, kChunkBytes * 8 / shape_.bits), n - first);
  }

  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    uint64_t items = 1;
    for (size_t level = 0; level < values_.item_validity.size(); ++level) {
      items *= shape_.list_sizes[level];
      const Bytes bitmap = values_.item_validity[level];
      if (bitmap.empty()) continue;
      AppendBits(bitmap, first * items, n * items, chunk);
      sizes->push_back((n * items + 7) / 8);
      chunk->Pad(kBufferAlignment, kFiller);
    }
    const uint64_t bits = n * shape_.bits;
    if (first * shape_.bits % 8 == 0 && bits % 8 == 0) {
      chunk->Append(values_.fixed.subspan(first * shape_.bits / 8, bits / 8));
    } else {
      AppendBits(values_.fixed, first * shape_.bits, bits, chunk);
    }
    sizes->push_back((bits + 7) / 8);
    return arrow::Status::OK();
  }

 private:
  const ValueShape shape_;
  const Values& values_;
};

}  // namespace

Wire FlatWire(uint64_t bits) {
  Wire wire;
  wire.mutable_flat()->set_bits_per_value(bits);
  return wire;
}

Wire FixedWire(const ValueShape& shape, const Values& values) {
  if (!shape.fields.empty()) {
    Wire rows;
    for (const uint64_t bits : shape.fields) rows.mutable_packed_struct()->add_bits_per_value(bits);
    *rows.mutable_packed_struct()->mutable_values() = FlatWire(shape.bits);
    return rows;
  }
  uint64_t items = 1;
  for (uint64_t size : shape.list_sizes) items *= size;
  Wire wire = FlatWire(shape.bits / items);
  for (size_t level = shape.list_sizes.size(); level-- > 0;) {
    Wire list;
    list.mutable_fixed_size_list()->set_items_per_value(shape.list_sizes[level]);
    list.mutable_fixed_size_list()->set_has_validity(level < values.item_validity.size() &&
                                                     !values.item_validity[level].empty());
    *list.mutable_fixed_size_list()->mutable_values() = std::move(wire);
    wire = std::move(list);
  }
  return wire;
}

std::unique_ptr<MiniBlockEncoder> MakeFlatEncoder(const ValueShape& shape, const Values& values) {
  return std::make_unique<FlatEncoder>(shape, values);
}

}  // namespace pilum::encoding
