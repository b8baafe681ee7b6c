#include "encoding/variable/variable_encode.h"

#include <algorithm>

#include "encoding/flat/flat_encode.h"

namespace pilum::encoding {
namespace {

constexpr uint64_t kChunkBytes = 8192;

/// Appends the offsets as numbers of type Offset, counted from `start` on.
template <typename Offset>
void AppendOffsets(std::span<const uint32_t> offsets, uint64_t start, ByteWriter* out) {
  std::byte* to = out->Extend(offsets.size() * sizeof(Offset));
  for (size_t i = 0; i < offsets.size(); ++i) {
    const auto offset = static_cast<Offset>(start + (offsets[i] - offsets.front()));
    std::memcpy(to + i * sizeof(Offset), &offset, sizeof(Offset));
  }
}

Bytes BytesBetween(const Values& values, uint64_t first, uint64_t end) {
  return values.bytes.subspan(values.offsets[first], values.offsets[end] - values.offsets[first]);
}

template <typename Offset>
class VariableEncoder final : public MiniBlockEncoder {
 public:
  explicit VariableEncoder(const Values& values) : values_(values) {}

  Wire wire() const override { return VariableWire(sizeof(Offset) * 8); }

  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    most = std::min(n - first, most);
    const auto fits = [&](uint64_t count) {
      return (count + 1) * sizeof(Offset) + BytesBetween(values_, first, first + count).size() <=
             kChunkBytes;
    };
    if (fits(most)) return ChunkOf(most, n - first);
    uint64_t count = 2;
    while (2 * count < most && fits(2 * count)) count *= 2;
    return ChunkOf(count, n - first);
  }

  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    const size_t begin = chunk->size();
    AppendOffsets<Offset>(values_.offsets.subspan(first, n + size_t{1}), (n + 1) * sizeof(Offset),
                          chunk);
    chunk->Append(BytesBetween(values_, first, first + n));
    chunk->Pad(sizeof(Offset), kFiller);  // chunks begin at multiples of it
    sizes->push_back(chunk->size() - begin);
    return arrow::Status::OK();
  }

 private:
  const Values& values_;
};

class RawEncoder final : public PerValueEncoder {
 public:
  explicit RawEncoder(Wire wire) : wire_(std::move(wire)) {}
  Wire wire() const override { return wire_; }
  arrow::Status Encode(Bytes value, ByteWriter* out) const override {
    out->Append(value);
    return arrow::Status::OK();
  }

 private:
  Wire wire_;
};

template <typename Offset>
void EncodeBlock(const Values& values, ByteWriter* out) {
  out->Put(static_cast<Offset>(sizeof(Offset) * 8));
  out->Put(static_cast<Offset>((2 + values.offsets.size()) * sizeof(Offset)));
  AppendOffsets<Offset>(values.offsets, 0, out);
  out->Append(BytesBetween(values, 0, values.offsets.size() - 1));
}

}  // namespace

Wire VariableWire(uint64_t offset_bits) {
  Wire wire;
  *wire.mutable_variable()->mutable_offsets() = FlatWire(offset_bits);
  return wire;
}

std::unique_ptr<MiniBlockEncoder> MakeVariableEncoder(const Values& values, bool wide) {
  if (wide) return std::make_unique<VariableEncoder<uint64_t>>(values);
  return std::make_unique<VariableEncoder<uint32_t>>(values);
}

std::unique_ptr<PerValueEncoder> MakeRawEncoder(Wire wire) {
  return std::make_unique<RawEncoder>(std::move(wire));
}

void EncodeVariableBlock(const Values& values, bool wide, ByteWriter* out) {
  wide ? EncodeBlock<uint64_t>(values, out) : EncodeBlock<uint32_t>(values, out);
}

}  // namespace pilum::encoding
