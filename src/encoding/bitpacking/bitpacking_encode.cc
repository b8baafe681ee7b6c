#include "encoding/bitpacking/bitpacking_encode.h"

#include <algorithm>

#include "encoding/bitpacking/pack.h"
#include "encoding/bitpacking/unpack.h"
#include "encoding/flat/flat_encode.h"

namespace pilum::encoding {
namespace {

constexpr size_t kMostBlockBytes = kPackedValues * sizeof(uint64_t);

/// Appends a block of up to 1024 values, filled up with zeros.
void AppendBlock(uint32_t t_bits, uint32_t width, const std::byte* values, uint64_t n,
                 ByteWriter* out) {
  std::byte filled[kMostBlockBytes];
  if (n < kPackedValues) {
    std::memcpy(filled, values, n * t_bits / 8);
    std::memset(filled + n * t_bits / 8, 0, (kPackedValues - n) * t_bits / 8);
    values = filled;
  }
  Pack1024(t_bits, width, values, out->Extend(PackedBytes(width)));
}

class InlineBitpackingEncoder final : public MiniBlockEncoder {
 public:
  InlineBitpackingEncoder(uint64_t t_bits, const Values& values)
      : t_bits_(static_cast<uint32_t>(t_bits)), values_(values) {}

  Wire wire() const override {
    Wire wire;
    wire.mutable_inline_bitpacking()->set_uncompressed_bits_per_value(t_bits_);
    return wire;
  }

  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return static_cast<uint32_t>(std::min<uint64_t>(kPackedValues, n - first));
  }

  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    const size_t begin = chunk->size();
    const std::byte* values = values_.fixed.data() + first * t_bits_ / 8;
    const uint32_t width = BitsNeeded(t_bits_, values, n);
    const uint64_t word = width;
    std::memcpy(chunk->Extend(t_bits_ / 8), &word, t_bits_ / 8);
    AppendBlock(t_bits_, width, values, n, chunk);
    sizes->push_back(chunk->size() - begin);
    return arrow::Status::OK();
  }

 private:
  const uint32_t t_bits_;
  const Values& values_;
};

}  // namespace

std::unique_ptr<MiniBlockEncoder> MakeInlineBitpackingEncoder(uint64_t t_bits,
                                                              const Values& values) {
  return std::make_unique<InlineBitpackingEncoder>(t_bits, values);
}

uint64_t InlineBitpackedBytes(uint64_t t_bits, const Values& values, uint64_t n) {
  uint64_t bytes = 0;
  for (uint64_t first = 0; first < n; first += kPackedValues) {
    const uint64_t count = std::min<uint64_t>(kPackedValues, n - first);
    bytes += t_bits / 8 + PackedBytes(BitsNeeded(static_cast<uint32_t>(t_bits),
                                                 values.fixed.data() + first * t_bits / 8, count));
  }
  return bytes;
}

Wire OutOfLineBitpackingWire(uint64_t t_bits, uint64_t width) {
  Wire wire;
  wire.mutable_out_of_line_bitpacking()->set_uncompressed_bits_per_value(t_bits);
  *wire.mutable_out_of_line_bitpacking()->mutable_values() = FlatWire(width);
  return wire;
}

uint64_t OutOfLineBytes(uint32_t t_bits, uint32_t width, uint64_t n) {
  const uint64_t raw = n % kPackedValues * t_bits / 8;
  return n / kPackedValues * PackedBytes(width) + std::min<uint64_t>(raw, PackedBytes(width));
}

void EncodeOutOfLine(uint32_t t_bits, uint32_t width, Bytes values, uint64_t n, ByteWriter* out) {
  uint64_t first = 0;
  for (; first + kPackedValues <= n; first += kPackedValues)
    AppendBlock(t_bits, width, values.data() + first * t_bits / 8, kPackedValues, out);
  // The rest is taken for raw if it has that size.
  const uint64_t raw = (n - first) * t_bits / 8;
  if (raw <= PackedBytes(width)) {
    out->Append(values.subspan(first * t_bits / 8, raw));
  } else {
    AppendBlock(t_bits, width, values.data() + first * t_bits / 8, n - first, out);
  }
}

}  // namespace pilum::encoding
