#include "encoding/packed_struct/packed_struct.h"

#include <cstring>
#include <string>
#include <utility>

namespace pilum::encoding {
namespace {

constexpr int kMaxFields = 4096;

class PackedStructMiniBlock final : public MiniBlockDecoder {
 public:
  PackedStructMiniBlock(std::vector<uint64_t> fields, std::unique_ptr<MiniBlockDecoder> rows)
      : fields_(std::move(fields)), rows_(std::move(rows)) {}
  ValueShape shape() const override { return {.bits = rows_->shape().bits, .fields = fields_}; }
  uint64_t num_buffers() const override { return rows_->num_buffers(); }
  std::optional<bytes::ByteRange> PointRange(uint64_t size, uint64_t i, uint64_t n) const override {
    return rows_->PointRange(size, i, n);
  }
  arrow::Result<Values> DecodePoints(Bytes bytes, uint64_t size, uint64_t i, uint64_t n,
                                     Arena* arena) const override {
    return rows_->DecodePoints(bytes, size, i, n, arena);
  }
  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    return rows_->Decode(buffers, n, into, arena);
  }

 private:
  std::vector<uint64_t> fields_;
  std::unique_ptr<MiniBlockDecoder> rows_;
};

struct PackedField {
  uint64_t fixed_bytes = 0;   // 0 = variable
  uint64_t length_bytes = 0;  // of a variable field
  std::unique_ptr<PerValueDecoder> decoder;
};

class VariablePackedStructPerValue final : public PerValueDecoder {
 public:
  explicit VariablePackedStructPerValue(std::vector<PackedField> fields)
      : fields_(std::move(fields)) {}

  ValueShape shape() const override {
    ValueShape shape{.variable = true};
    for (const PackedField& field : fields_) shape.fields.push_back(field.fixed_bytes * 8);
    return shape;
  }

  arrow::Result<Bytes> Decode(Bytes encoded, Arena* arena) const override {
    bytes::ByteReader reader(encoded);
    std::vector<Bytes> parts(fields_.size());
    uint64_t size = 0;
    for (size_t i = 0; i < fields_.size(); ++i) {
      ARROW_ASSIGN_OR_RAISE(parts[i], ReadField(fields_[i], &reader, arena));
      size += parts[i].size() + (fields_[i].fixed_bytes == 0 ? 4 : 0);
    }
    std::byte* out = arena->Allocate(size);
    std::byte* to = out;
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (fields_[i].fixed_bytes == 0) {
        bytes::Store(to, static_cast<uint32_t>(parts[i].size()));
        to += 4;
      }
      std::memcpy(to, parts[i].data(), parts[i].size());
      to += parts[i].size();
    }
    return Bytes(out, size);
  }

 private:
  static arrow::Result<Bytes> ReadField(const PackedField& field, bytes::ByteReader* reader,
                                        Arena* arena) {
    if (field.fixed_bytes > 0) return reader->Take(field.fixed_bytes, "packed field");
    uint64_t length;
    if (field.length_bytes == 4) {
      ARROW_ASSIGN_OR_RAISE(length, reader->Read<uint32_t>("length of a packed field"));
    } else {
      ARROW_ASSIGN_OR_RAISE(length, reader->Read<uint64_t>("length of a packed field"));
    }
    ARROW_ASSIGN_OR_RAISE(Bytes encoded, reader->Take(length, "packed field"));
    ARROW_ASSIGN_OR_RAISE(Bytes value, field.decoder->Decode(encoded, arena));
    if (value.size() > UINT32_MAX) return bytes::Corrupt("a packed field of more than 4 GiB");
    return value;
  }

  std::vector<PackedField> fields_;
};

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int depth) {
  const auto& packed = wire.packed_struct();
  uint64_t bits = 0;
  for (uint64_t field_bits : packed.bits_per_value()) {
    ARROW_RETURN_NOT_OK(CheckBits(field_bits, "packed field"));
    bits += field_bits;
  }
  ARROW_ASSIGN_OR_RAISE(auto rows, MakeMiniBlockDecoder(packed.values(), depth + 1));
  if (rows->shape() != ValueShape{.bits = bits}) {
    return bytes::Corrupt("packed rows of " + std::to_string(rows->shape().bits) +
                          " bits whose fields have " + std::to_string(bits));
  }
  return std::make_unique<PackedStructMiniBlock>(
      std::vector<uint64_t>(packed.bits_per_value().begin(), packed.bits_per_value().end()),
      std::move(rows));
}

arrow::Result<std::unique_ptr<PerValueDecoder>> MakeVariable(const Wire& wire, int depth) {
  if (wire.variable_packed_struct().fields_size() > kMaxFields) {
    return bytes::Corrupt("a packed struct of more than 4096 fields");
  }
  std::vector<PackedField> fields;
  for (const auto& wire_field : wire.variable_packed_struct().fields()) {
    PackedField field;
    if (wire_field.has_bits_per_value()) {
      ARROW_RETURN_NOT_OK(CheckBits(wire_field.bits_per_value(), "packed field"));
      if (wire_field.bits_per_value() % 8 != 0)
        return bytes::Corrupt("packed field of single bits");
      field.fixed_bytes = wire_field.bits_per_value() / 8;
    } else {
      field.length_bytes = wire_field.bits_per_length() / 8;
      if (field.length_bytes != 4 && field.length_bytes != 8) {
        return bytes::Corrupt("packed field with lengths of " +
                              std::to_string(wire_field.bits_per_length()) + " bits");
      }
      ARROW_ASSIGN_OR_RAISE(field.decoder, MakePerValueDecoder(wire_field.value(), depth + 1));
    }
    fields.push_back(std::move(field));
  }
  return std::make_unique<VariablePackedStructPerValue>(std::move(fields));
}

}  // namespace

const Codec kPackedStruct = {
    .name = "packed struct", .wire_case = Wire::kPackedStruct, .mini_block = MakeMiniBlock};
const Codec kVariablePackedStruct = {.name = "variable packed struct",
                                     .wire_case = Wire::kVariablePackedStruct,
                                     .per_value = MakeVariable};

}  // namespace pilum::encoding
