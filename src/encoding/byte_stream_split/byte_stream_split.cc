#include "encoding/byte_stream_split/byte_stream_split.h"

#include <string>

namespace pilum::encoding {
namespace {

template <typename T>
void Join(const std::byte* streams, uint64_t n, std::byte* out) {
  for (uint64_t i = 0; i < n; ++i) {
    T value = 0;
    for (size_t j = 0; j < sizeof(T); ++j) {
      value |= static_cast<T>(static_cast<uint8_t>(streams[j * n + i])) << (8 * j);
    }
    bytes::Store(out + i * sizeof(T), value);
  }
}

class ByteStreamSplitMiniBlock final : public MiniBlockDecoder {
 public:
  explicit ByteStreamSplitMiniBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }

  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    const uint64_t size = n * (bits_ / 8);
    if (buffers[0].size() < size)
      return bytes::Truncated("byte streams", 0, size, buffers[0].size());
    std::byte* out = into ? into : arena->Allocate(size);
    if (bits_ == 32) {
      Join<uint32_t>(buffers[0].data(), n, out);
    } else {
      Join<uint64_t>(buffers[0].data(), n, out);
    }
    Values values;
    values.fixed = Bytes(out, size);
    return values;
  }

 private:
  uint64_t bits_;
};

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int) {
  const auto& values = wire.byte_stream_split().values();
  uint64_t bits = values.flat().bits_per_value();
  if (values.compression_case() != Wire::kFlat || (bits != 32 && bits != 64)) {
    return bytes::Corrupt("byte-stream split of anything but flat 32- or 64-bit values");
  }
  return std::make_unique<ByteStreamSplitMiniBlock>(bits);
}

}  // namespace

const Codec kByteStreamSplit = {
    .name = "byte-stream split", .wire_case = Wire::kByteStreamSplit, .mini_block = MakeMiniBlock};

}  // namespace pilum::encoding
