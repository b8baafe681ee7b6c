#include "encoding/byte_stream_split/split_page.h"

#include <algorithm>

#include "encoding/byte_stream_split/split.h"
#include "encoding/flat/flat_encode.h"

namespace pilum::encoding {
namespace {

constexpr uint64_t kChunkBytes = 8192;

class ByteStreamSplitEncoder final : public MiniBlockEncoder {
 public:
  ByteStreamSplitEncoder(uint64_t t_bits, const Values& values)
      : t_bits_(static_cast<uint32_t>(t_bits)), values_(values) {}

  Wire wire() const override {
    Wire wire;
    *wire.mutable_byte_stream_split()->mutable_values() = FlatWire(t_bits_);
    return wire;
  }

  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return ChunkOf(std::min(most, kChunkBytes * 8 / t_bits_), n - first);
  }

  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    const uint64_t bytes = t_bits_ / 8;
    SplitBytes(t_bits_, values_.fixed.data() + first * bytes, n, chunk->Extend(n * bytes));
    sizes->push_back(n * bytes);
    return arrow::Status::OK();
  }

 private:
  const uint32_t t_bits_;
  const Values& values_;
};

}  // namespace

std::unique_ptr<MiniBlockEncoder> MakeByteStreamSplitEncoder(uint64_t t_bits,
                                                             const Values& values) {
  return std::make_unique<ByteStreamSplitEncoder>(t_bits, values);
}

}  // namespace pilum::encoding
