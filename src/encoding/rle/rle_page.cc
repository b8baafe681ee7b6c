#include "encoding/rle/rle_page.h"

#include "encoding/flat/flat_encode.h"
#include "encoding/rle/rle_encode.h"

namespace pilum::encoding {
namespace {

class RleEncoder final : public MiniBlockEncoder {
 public:
  RleEncoder(uint64_t t_bits, const Values& values)
      : t_bits_(static_cast<uint32_t>(t_bits)), values_(values) {}

  Wire wire() const override { return RleWire(t_bits_); }
  uint64_t num_buffers() const override { return 2; }

  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return ChunkOf(most, n - first);
  }

  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    std::vector<std::byte> values, lengths;
    EncodeRuns(t_bits_, values_.fixed.data() + first * t_bits_ / 8, n, &values, &lengths);
    chunk->Append(values);
    chunk->Pad(kBufferAlignment, kFiller);
    chunk->Append(lengths);
    sizes->push_back(values.size());
    sizes->push_back(lengths.size());
    return arrow::Status::OK();
  }

 private:
  const uint32_t t_bits_;
  const Values& values_;
};

}  // namespace

Wire RleWire(uint64_t t_bits) {
  Wire wire;
  *wire.mutable_rle()->mutable_values() = FlatWire(t_bits);
  *wire.mutable_rle()->mutable_run_lengths() = FlatWire(8);
  return wire;
}

std::unique_ptr<MiniBlockEncoder> MakeRleEncoder(uint64_t t_bits, const Values& values) {
  return std::make_unique<RleEncoder>(t_bits, values);
}

}  // namespace pilum::encoding
