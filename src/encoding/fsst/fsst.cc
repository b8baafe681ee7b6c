#include "encoding/fsst/fsst.h"

#include <string>
#include <utility>

namespace pilum::encoding {
namespace {

constexpr uint64_t kMagic = 0x46535354;
constexpr uint8_t kEscape = 255;

class FsstMiniBlock final : public MiniBlockDecoder {
 public:
  FsstMiniBlock(FsstTable table, std::unique_ptr<MiniBlockDecoder> inner)
      : table_(std::move(table)), inner_(std::move(inner)) {}
  ValueShape shape() const override { return {.variable = true}; }
  uint64_t num_buffers() const override { return inner_->num_buffers(); }
  bool stable() const override { return !table_.compressed() && inner_->stable(); }

  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte*,
                               Arena* arena) const override {
    return DecodePart(buffers, n, 0, n, arena);
  }

  arrow::Result<Values> DecodePart(std::span<const Bytes> buffers, uint32_t n, uint32_t first,
                                   uint32_t count, Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(Values encoded, inner_->Decode(buffers, n, nullptr, arena));
    if (!table_.compressed()) return encoded;
    return table_.DecodeValues(encoded, first, count, arena);
  }

 private:
  FsstTable table_;
  std::unique_ptr<MiniBlockDecoder> inner_;
};

class FsstPerValue final : public PerValueDecoder {
 public:
  FsstPerValue(FsstTable table, std::unique_ptr<PerValueDecoder> inner)
      : table_(std::move(table)), inner_(std::move(inner)) {}
  bool stable() const override { return !table_.compressed() && inner_->stable(); }

  arrow::Result<Bytes> Decode(Bytes encoded, Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(Bytes codes, inner_->Decode(encoded, arena));
    if (!table_.compressed()) return codes;
    std::byte* out = arena->Allocate(FsstTable::MaxDecoded(codes.size()));
    ARROW_ASSIGN_OR_RAISE(uint64_t length, table_.Decode(codes, out));
    return Bytes(out, length);
  }

 private:
  FsstTable table_;
  std::unique_ptr<PerValueDecoder> inner_;
};

arrow::Result<FsstTable> TableOf(const Wire& wire) {
  const std::string& table = wire.fsst().symbol_table();
  return FsstTable::Parse(std::as_bytes(std::span(table.data(), table.size())));
}

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(FsstTable table, TableOf(wire));
  ARROW_ASSIGN_OR_RAISE(auto inner, MakeMiniBlockDecoder(wire.fsst().values(), depth + 1));
  if (!inner->shape().variable) return bytes::Corrupt("FSST around fixed-width values");
  return std::make_unique<FsstMiniBlock>(std::move(table), std::move(inner));
}

arrow::Result<std::unique_ptr<PerValueDecoder>> MakePerValue(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(FsstTable table, TableOf(wire));
  ARROW_ASSIGN_OR_RAISE(auto inner, MakePerValueDecoder(wire.fsst().values(), depth + 1));
  return std::make_unique<FsstPerValue>(std::move(table), std::move(inner));
}

}  // namespace

arrow::Result<FsstTable> FsstTable::Parse(Bytes bytes) {
  bytes::ByteReader reader(bytes);
  ARROW_ASSIGN_OR_RAISE(uint64_t header, reader.Read<uint64_t>("FSST header"));
  if (header >> 32 != kMagic) return bytes::Corrupt("FSST symbol table without its magic number");
  FsstTable table;
  table.compressed_ = ((header >> 24) & 0xff) != 0;
  if (!table.compressed_) return table;
  const uint64_t n = header & 0xff;
  ARROW_ASSIGN_OR_RAISE(Bytes symbols, reader.Take(n * 8, "FSST symbols"));
  ARROW_ASSIGN_OR_RAISE(Bytes lengths, reader.Take(n, "FSST symbol lengths"));
  for (uint64_t i = 0; i < n; ++i) {
    table.symbols_[i] = bytes::Load<uint64_t>(symbols.data() + i * 8);
    table.lengths_[i] = static_cast<uint8_t>(lengths[i]);
    if (table.lengths_[i] < 1 || table.lengths_[i] > 8) {
      return bytes::Corrupt("FSST symbol of " + std::to_string(table.lengths_[i]) + " bytes");
    }
  }
  return table;
}

arrow::Result<uint64_t> FsstTable::Decode(Bytes encoded, std::byte* out) const {
  std::byte* to = out;
  for (size_t i = 0; i < encoded.size(); ++i) {
    uint8_t code = static_cast<uint8_t>(encoded[i]);
    if (lengths_[code] != 0 && code != kEscape) [[likely]] {
      bytes::Store(to, symbols_[code]);  // 8 bytes; what is too much is overwritten next
      to += lengths_[code];
    } else if (code == kEscape && i + 1 < encoded.size()) {
      *to++ = encoded[++i];
    } else {
      return bytes::Corrupt("FSST code " + std::to_string(code) + " at byte " + std::to_string(i) +
                            " of a value is not in the symbol table");
    }
  }
  return static_cast<uint64_t>(to - out);
}

arrow::Result<Values> FsstTable::DecodeValues(const Values& encoded, uint32_t first, uint32_t count,
                                              Arena* arena) const {
  const uint32_t end = first + count;
  uint64_t room = MaxDecoded(encoded.offsets[end] - encoded.offsets[first]);
  if (room > UINT32_MAX) return bytes::Corrupt("a chunk of more than 512 MiB of strings");
  std::byte* out = arena->Allocate(room);
  uint32_t* offsets = arena->AllocateArray<uint32_t>(encoded.offsets.size());
  offsets[first] = 0;
  for (uint32_t i = first; i < end; ++i) {
    Bytes value =
        encoded.bytes.subspan(encoded.offsets[i], encoded.offsets[i + 1] - encoded.offsets[i]);
    ARROW_ASSIGN_OR_RAISE(uint64_t length, Decode(value, out + offsets[i]));
    offsets[i + 1] = offsets[i] + static_cast<uint32_t>(length);
  }
  Values values;
  values.offsets = {offsets, encoded.offsets.size()};
  values.bytes = Bytes(out, offsets[end]);
  return values;
}

const Codec kFsst = {.name = "FSST",
                     .wire_case = Wire::kFsst,
                     .mini_block = MakeMiniBlock,
                     .per_value = MakePerValue};

}  // namespace pilum::encoding
