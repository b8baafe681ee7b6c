#include "encoding/variable/variable.h"

#include <string>

namespace pilum::encoding {
namespace {

constexpr uint64_t kMaxBytes = UINT32_MAX;

// Copies n + 1 offsets, made relative to `base`, into the arena; they must ascend from `base` and
// end inside `limit` bytes.
template <typename Offset>
arrow::Result<std::span<const uint32_t>> Rebase(const std::byte* raw, uint64_t n, uint64_t base,
                                                uint64_t limit, Arena* arena) {
  uint32_t* offsets = arena->AllocateArray<uint32_t>(n + 1);
  Offset previous = static_cast<Offset>(base);
  bool ascending = bytes::Load<Offset>(raw) == previous;
  for (uint64_t i = 0; i <= n; ++i) {
    Offset offset = bytes::Load<Offset>(raw + i * sizeof(Offset));
    ascending &= offset >= previous;
    offsets[i] = static_cast<uint32_t>(offset - base);
    previous = offset;
  }
  if (!ascending) return bytes::Corrupt("offsets of variable-width values do not ascend");
  if (previous - base > limit) {
    return bytes::Corrupt("variable-width values end at byte " + std::to_string(previous) + " of " +
                          std::to_string(base + limit));
  }
  return std::span<const uint32_t>(offsets, n + 1);
}

template <typename Offset>
arrow::Result<Values> DecodeOffsets(Bytes buffer, uint64_t n, uint64_t table_at, uint64_t base,
                                    uint64_t start, Arena* arena) {
  uint64_t table = (n + 1) * sizeof(Offset);
  if (n >= kMaxBytes || buffer.size() < table_at || buffer.size() - table_at < table) {
    return bytes::Truncated("offsets", table_at, table, buffer.size() - table_at);
  }
  if (start < table_at + table || start > buffer.size() || buffer.size() - start > kMaxBytes) {
    return bytes::Corrupt("bytes of variable-width values start at " + std::to_string(start) +
                          " of " + std::to_string(buffer.size()));
  }
  Values values;
  values.bytes = buffer.subspan(start);
  ARROW_ASSIGN_OR_RAISE(values.offsets, Rebase<Offset>(buffer.data() + table_at, n, base,
                                                       values.bytes.size(), arena));
  return values;
}

class VariableMiniBlock final : public MiniBlockDecoder {
 public:
  explicit VariableMiniBlock(uint64_t offset_bits) : offset_bits_(offset_bits) {}
  ValueShape shape() const override { return {.variable = true}; }
  bool stable() const override { return true; }

  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte*,
                               Arena* arena) const override {
    uint64_t start = (uint64_t{n} + 1) * (offset_bits_ / 8);
    return offset_bits_ == 32 ? DecodeOffsets<uint32_t>(buffers[0], n, 0, start, start, arena)
                              : DecodeOffsets<uint64_t>(buffers[0], n, 0, start, start, arena);
  }

 private:
  uint64_t offset_bits_;
};

class VariableBlock final : public BlockDecoder {
 public:
  explicit VariableBlock(uint64_t offset_bits) : offset_bits_(offset_bits) {}
  ValueShape shape() const override { return {.variable = true}; }

  arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena* arena) const override {
    return offset_bits_ == 32 ? DecodeAs<uint32_t>(buffer, n, arena)
                              : DecodeAs<uint64_t>(buffer, n, arena);
  }

 private:
  template <typename Offset>
  arrow::Result<Values> DecodeAs(Bytes buffer, uint64_t n, Arena* arena) const {
    bytes::ByteReader reader(buffer);
    ARROW_ASSIGN_OR_RAISE(Offset bits, reader.Read<Offset>("offset width"));
    ARROW_ASSIGN_OR_RAISE(Offset start, reader.Read<Offset>("start of bytes"));
    if (bits != offset_bits_) {
      return bytes::Corrupt("offset width " + std::to_string(bits) + " where " +
                            std::to_string(offset_bits_) + " was declared");
    }
    return DecodeOffsets<Offset>(buffer, n, reader.position(), 0, start, arena);
  }

  uint64_t offset_bits_;
};

class VariablePerValue final : public PerValueDecoder {
 public:
  arrow::Result<Bytes> Decode(Bytes encoded, Arena*) const override { return encoded; }
  bool stable() const override { return true; }
};

arrow::Result<uint64_t> OffsetBits(const Wire& wire) {
  const auto& variable = wire.variable();
  if (variable.has_values()) return bytes::Corrupt("variable encoding with its own compression");
  if (variable.offsets().compression_case() != Wire::kFlat) {
    return bytes::Corrupt("offsets of a variable encoding are not flat");
  }
  uint64_t bits = variable.offsets().flat().bits_per_value();
  if (bits != 32 && bits != 64) {
    return bytes::Corrupt("offsets of " + std::to_string(bits) + " bits");
  }
  return bits;
}

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, OffsetBits(wire));
  return std::make_unique<VariableMiniBlock>(bits);
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeBlock(const Wire& wire, int) {
  ARROW_ASSIGN_OR_RAISE(uint64_t bits, OffsetBits(wire));
  return std::make_unique<VariableBlock>(bits);
}

arrow::Result<std::unique_ptr<PerValueDecoder>> MakePerValue(const Wire& wire, int) {
  ARROW_RETURN_NOT_OK(OffsetBits(wire));
  return std::make_unique<VariablePerValue>();
}

}  // namespace

const Codec kVariable = {.name = "variable",
                         .wire_case = Wire::kVariable,
                         .mini_block = MakeMiniBlock,
                         .block = MakeBlock,
                         .per_value = MakePerValue};

}  // namespace pilum::encoding
