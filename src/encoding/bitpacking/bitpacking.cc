#include "encoding/bitpacking/bitpacking.h"

#include <cstring>
#include <string>

#include "encoding/bitpacking/unpack.h"

namespace pilum::encoding {
namespace {

constexpr uint64_t kMaxUnbacked = 1 << 20;

arrow::Status CheckWord(uint64_t bits) {
  if (bits == 8 || bits == 16 || bits == 32 || bits == 64) return arrow::Status::OK();
  return bytes::Corrupt("bit packing of " + std::to_string(bits) + "-bit words");
}

uint64_t LoadBits(const std::byte* p, uint64_t t_bits) {
  switch (t_bits) {
    case 8:
      return bytes::Load<uint8_t>(p);
    case 16:
      return bytes::Load<uint16_t>(p);
    case 32:
      return bytes::Load<uint32_t>(p);
    default:
      return bytes::Load<uint64_t>(p);
  }
}

arrow::Result<Values> DecodeInline(Bytes buffer, uint64_t n, uint64_t t_bits, std::byte* into,
                                   Arena* arena) {
  const uint64_t word = t_bits / 8;
  if (n > kPackedValues) {
    return bytes::Corrupt("inline bit packing of " + std::to_string(n) + " values in one block");
  }
  if (buffer.size() < word) return bytes::Truncated("bit width", 0, word, buffer.size());
  uint64_t width = LoadBits(buffer.data(), t_bits);
  if (width > t_bits) {
    return bytes::Corrupt("packed width " + std::to_string(width) + " of " +
                          std::to_string(t_bits) + "-bit values");
  }
  if (buffer.size() - word < PackedBytes(width)) {
    return bytes::Truncated("packed block", word, PackedBytes(width), buffer.size() - word);
  }
  // A short block still unpacks to 1024 values, for which only the arena has room.
  std::byte* out = into && n == kPackedValues ? into : arena->Allocate(kPackedValues * word);
  Unpack1024(static_cast<uint32_t>(t_bits), static_cast<uint32_t>(width), buffer.data() + word,
             out);
  Values values;
  values.fixed = Bytes(out, n * word);
  return values;
}

class InlineMiniBlock final : public MiniBlockDecoder {
 public:
  explicit InlineMiniBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }
  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    return DecodeInline(buffers[0], n, bits_, into, arena);
  }

  // The buffer's size gives away the width, and the width where a value's bits are.
  std::optional<bytes::ByteRange> PointRange(uint64_t size, uint64_t i, uint64_t n) const override {
    const uint64_t word = bits_ / 8;
    if (n != 1 || i >= kPackedValues || size < word) return std::nullopt;
    const uint64_t width = (size - word) / PackedBytes(1);
    if (width > bits_ || width == 0) return std::nullopt;
    const PackedPlace place = PlaceOf(static_cast<uint32_t>(bits_), static_cast<uint32_t>(width),
                                      static_cast<uint32_t>(i));
    const uint64_t begin = word + place.byte;
    const uint64_t length = place.straddles ? kNextWord + word : word;
    if (begin + length > size) return std::nullopt;
    return bytes::ByteRange{begin, length};
  }

  arrow::Result<Values> DecodePoints(Bytes bytes, uint64_t size, uint64_t i, uint64_t,
                                     Arena* arena) const override {
    const uint64_t word = bits_ / 8;
    const uint64_t width = (size - word) / PackedBytes(1);
    const PackedPlace place = PlaceOf(static_cast<uint32_t>(bits_), static_cast<uint32_t>(width),
                                      static_cast<uint32_t>(i));
    uint64_t value = LoadBits(bytes.data(), bits_) >> place.shift;
    if (place.straddles)
      value |= LoadBits(bytes.data() + kNextWord, bits_) << (bits_ - place.shift);
    if (width < 64) value &= (uint64_t{1} << width) - 1;
    std::byte* out = arena->Allocate(sizeof(value));
    std::memcpy(out, &value, sizeof(value));
    Values values;
    values.fixed = Bytes(out, word);
    return values;
  }

 private:
  static constexpr uint64_t kNextWord =
      kPackedValues / 8;  // bytes from a lane's word to its next one

  uint64_t bits_;
};

class InlineBlock final : public BlockDecoder {
 public:
  explicit InlineBlock(uint64_t bits) : bits_(bits) {}
  ValueShape shape() const override { return {.bits = bits_}; }
  arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena* arena) const override {
    return DecodeInline(buffer, n, bits_, nullptr, arena);
  }

 private:
  uint64_t bits_;
};

class OutOfLineBlock final : public BlockDecoder {
 public:
  OutOfLineBlock(uint64_t bits, uint64_t width) : bits_(bits), width_(width) {}
  ValueShape shape() const override { return {.bits = bits_}; }

  arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena* arena) const override {
    const uint64_t word = bits_ / 8;
    const uint64_t full = n / kPackedValues;
    const uint64_t rest = n % kPackedValues;
    // With W = 0 no byte backs a value, so nothing but this bounds a damaged count.
    if (width_ == 0 && n > kMaxUnbacked)
      return bytes::Corrupt(std::to_string(n) + " values in no bytes");
    if (width_ > 0 && full > buffer.size() / PackedBytes(width_)) {
      return bytes::Truncated("packed blocks", 0, full * PackedBytes(width_), buffer.size());
    }
    std::byte* out = arena->Allocate((full + (rest > 0)) * kPackedValues * word);
    for (uint64_t i = 0; i < full; ++i) {
      Unpack1024(static_cast<uint32_t>(bits_), static_cast<uint32_t>(width_),
                 buffer.data() + i * PackedBytes(width_), out + i * kPackedValues * word);
    }
    Bytes tail = buffer.subspan(full * PackedBytes(width_));
    if (rest > 0) {
      std::byte* to = out + full * kPackedValues * word;
      if (tail.size() == rest * word) {
        std::memcpy(to, tail.data(), tail.size());
      } else if (tail.size() >= PackedBytes(width_)) {
        Unpack1024(static_cast<uint32_t>(bits_), static_cast<uint32_t>(width_), tail.data(), to);
      } else {
        return bytes::Truncated("last packed block", full * PackedBytes(width_),
                                PackedBytes(width_), tail.size());
      }
    }
    Values values;
    values.fixed = Bytes(out, n * word);
    return values;
  }

 private:
  uint64_t bits_;
  uint64_t width_;
};

arrow::Result<uint64_t> InlineBits(const Wire& wire) {
  if (wire.inline_bitpacking().has_values()) {
    return bytes::Corrupt("bit packing with its own compression");
  }
  uint64_t bits = wire.inline_bitpacking().uncompressed_bits_per_value();
  ARROW_RETURN_NOT_OK(CheckWord(bits));
  return bits;
}

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeInlineMiniBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, InlineBits(wire));
  return std::make_unique<InlineMiniBlock>(bits);
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeInlineBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, InlineBits(wire));
  return std::make_unique<InlineBlock>(bits);
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeOutOfLineBlock(const Wire& wire, int) {
  const auto& packing = wire.out_of_line_bitpacking();
  ARROW_RETURN_NOT_OK(CheckWord(packing.uncompressed_bits_per_value()));
  if (packing.values().compression_case() != Wire::kFlat) {
    return bytes::Corrupt("bit packing whose width is not given as a flat encoding");
  }
  uint64_t width = packing.values().flat().bits_per_value();
  if (width > packing.uncompressed_bits_per_value()) {
    return bytes::Corrupt("packed width " + std::to_string(width) + " of " +
                          std::to_string(packing.uncompressed_bits_per_value()) + "-bit values");
  }
  return std::make_unique<OutOfLineBlock>(packing.uncompressed_bits_per_value(), width);
}

}  // namespace

const Codec kInlineBitpacking = {.name = "inline bit packing",
                                 .wire_case = Wire::kInlineBitpacking,
                                 .mini_block = MakeInlineMiniBlock,
                                 .block = MakeInlineBlock};
const Codec kOutOfLineBitpacking = {.name = "out-of-line bit packing",
                                    .wire_case = Wire::kOutOfLineBitpacking,
                                    .block = MakeOutOfLineBlock};

}  // namespace pilum::encoding
