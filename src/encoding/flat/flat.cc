#include "encoding/flat/flat.h"

#include <arrow/util/bitmap_ops.h>

namespace pilum::encoding {
namespace {

// n < 2^40 and bits <= 2^32, by the limits of the callers: their product needs more than 64 bits.
arrow::Result<Values> View(Bytes buffer, uint64_t n, uint64_t bits) {
  unsigned __int128 need = (static_cast<unsigned __int128>(n) * bits + 7) / 8;
  if (need > buffer.size()) {
    return bytes::Truncated("flat values", 0, static_cast<uint64_t>(need), buffer.size());
  }
  Values values;
  values.fixed = buffer.first(static_cast<size_t>(need));
  return values;
}

class FlatMiniBlock final : public MiniBlockDecoder {
 public:
  explicit FlatMiniBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }
  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte*,
                               Arena*) const override {
    return View(buffers[0], n, bits_);
  }
  std::optional<bytes::ByteRange> PointRange(uint64_t size, uint64_t i, uint64_t n) const override {
    const uint64_t begin = i * bits_ / 8;
    const uint64_t end = ((i + n) * bits_ + 7) / 8;
    if (end > size) return std::nullopt;  // too short: decoding the whole chunk reports it
    return bytes::ByteRange{begin, end - begin};
  }
  arrow::Result<Values> DecodePoints(Bytes bytes, uint64_t, uint64_t i, uint64_t n,
                                     Arena* arena) const override {
    Values values;
    values.fixed = bytes;
    const uint64_t shift = i * bits_ % 8;
    if (shift == 0) return values;
    std::byte* aligned = arena->Allocate(bytes.size());
    arrow::internal::CopyBitmap(reinterpret_cast<const uint8_t*>(bytes.data()),
                                static_cast<int64_t>(shift), static_cast<int64_t>(n * bits_),
                                reinterpret_cast<uint8_t*>(aligned), 0);
    values.fixed = Bytes(aligned, bytes.size());
    return values;
  }

 private:
  uint64_t bits_;
};

class FlatBlock final : public BlockDecoder {
 public:
  explicit FlatBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }
  arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena*) const override {
    return View(buffer, n, bits_);
  }

 private:
  uint64_t bits_;
};

arrow::Result<uint64_t> ReadBits(const Wire& wire) {
  if (wire.flat().has_data()) return bytes::Corrupt("flat encoding with its own compression");
  ARROW_RETURN_NOT_OK(CheckBits(wire.flat().bits_per_value(), "flat encoding"));
  return wire.flat().bits_per_value();
}

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, ReadBits(wire));
  return std::make_unique<FlatMiniBlock>(bits);
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, ReadBits(wire));
  return std::make_unique<FlatBlock>(bits);
}

}  // namespace

const Codec kFlat = {
    .name = "flat", .wire_case = Wire::kFlat, .mini_block = MakeMiniBlock, .block = MakeBlock};

}  // namespace pilum::encoding
