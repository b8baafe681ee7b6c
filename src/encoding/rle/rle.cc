#include "encoding/rle/rle.h"

#include <algorithm>
#include <string>

namespace pilum::encoding {
namespace {

template <typename T>
arrow::Status Expand(Bytes values, Bytes lengths, uint64_t n, std::byte* out) {
  T* to = reinterpret_cast<T*>(out);
  uint64_t done = 0;
  for (size_t run = 0; run < lengths.size() && done < n; ++run) {
    uint64_t length = std::min<uint64_t>(static_cast<uint8_t>(lengths[run]), n - done);
    std::fill_n(to + done, length, bytes::Load<T>(values.data() + run * sizeof(T)));
    done += length;
  }
  if (done < n) {
    return bytes::Corrupt("run lengths sum to " + std::to_string(done) + " of " +
                          std::to_string(n) + " values");
  }
  return arrow::Status::OK();
}

arrow::Result<Values> DecodeRuns(Bytes values, Bytes lengths, uint64_t n, uint64_t bits,
                                 std::byte* into, Arena* arena) {
  const uint64_t word = bits / 8;
  if (values.size() / word < lengths.size()) {
    return bytes::Truncated("run values", 0, lengths.size() * word, values.size());
  }
  if (n > lengths.size() * 255) {
    return bytes::Corrupt(std::to_string(lengths.size()) + " runs for " + std::to_string(n) +
                          " values");
  }
  std::byte* out = into ? into : arena->Allocate(n * word);
  switch (bits) {
    case 8:
      ARROW_RETURN_NOT_OK(Expand<uint8_t>(values, lengths, n, out));
      break;
    case 16:
      ARROW_RETURN_NOT_OK(Expand<uint16_t>(values, lengths, n, out));
      break;
    case 32:
      ARROW_RETURN_NOT_OK(Expand<uint32_t>(values, lengths, n, out));
      break;
    default:
      ARROW_RETURN_NOT_OK(Expand<uint64_t>(values, lengths, n, out));
      break;
  }
  Values decoded;
  decoded.fixed = Bytes(out, n * word);
  return decoded;
}

class RleMiniBlock final : public MiniBlockDecoder {
 public:
  explicit RleMiniBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }
  uint64_t num_buffers() const override { return 2; }
  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    return DecodeRuns(buffers[0], buffers[1], n, bits_, into, arena);
  }

 private:
  uint64_t bits_;
};

class RleBlock final : public BlockDecoder {
 public:
  explicit RleBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }
  arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena* arena) const override {
    bytes::ByteReader reader(buffer);
    ARROW_ASSIGN_OR_RAISE(uint64_t size, reader.Read<uint64_t>("size of run values"));
    ARROW_ASSIGN_OR_RAISE(Bytes values, reader.Take(size, "run values"));
    ARROW_ASSIGN_OR_RAISE(Bytes lengths, reader.Take(size / (bits_ / 8), "run lengths"));
    return DecodeRuns(values, lengths, n, bits_, nullptr, arena);
  }

 private:
  uint64_t bits_;
};

arrow::Result<uint64_t> ReadBits(const Wire& wire) {
  const auto& values = wire.rle().values();
  const auto& lengths = wire.rle().run_lengths();
  if (values.compression_case() != Wire::kFlat || lengths.compression_case() != Wire::kFlat ||
      lengths.flat().bits_per_value() != 8) {
    return bytes::Corrupt("run-length encoding without flat values and flat 8-bit lengths");
  }
  uint64_t bits = values.flat().bits_per_value();
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64) {
    return bytes::Corrupt("run-length encoding of " + std::to_string(bits) + "-bit values");
  }
  return bits;
}

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, ReadBits(wire));
  return std::make_unique<RleMiniBlock>(bits);
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, ReadBits(wire));
  return std::make_unique<RleBlock>(bits);
}

}  // namespace

const Codec kRle = {
    .name = "run-length", .wire_case = Wire::kRle, .mini_block = MakeMiniBlock, .block = MakeBlock};

}  // namespace pilum::encoding
