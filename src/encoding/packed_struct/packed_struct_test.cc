#include "encoding/packed_struct/packed_struct.h"

#include <gtest/gtest.h>

#include "encoding/codec_conformance.h"
#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

TEST(PackedStruct, Conforms) {
  const std::string rows = Raw(RandomValues<uint8_t>(13 * 50, 8));
  CodecConformance(kPackedStruct, {{.name = "i8, i32, i64",
                                    .wire = PackedStructWire({8, 32, 64}, FlatWire(104)),
                                    .n = 50,
                                    .buffers = {rows},
                                    .fixed = rows}});
}

TEST(PackedStruct, RefusesRowsThatAreNotTheirFields) {
  EXPECT_FALSE(MakeMiniBlockDecoder(PackedStructWire({8, 32}, FlatWire(64))).ok());
  EXPECT_FALSE(MakeMiniBlockDecoder(PackedStructWire({8, 12}, FlatWire(20))).ok());
  EXPECT_FALSE(MakeMiniBlockDecoder(PackedStructWire({8}, VariableWire(32))).ok());
}

Wire VariablePackedWire() {
  Wire wire;
  auto* fixed = wire.mutable_variable_packed_struct()->add_fields();
  *fixed->mutable_value() = FlatWire(16);
  fixed->set_bits_per_value(16);
  auto* text = wire.mutable_variable_packed_struct()->add_fields();
  *text->mutable_value() = FsstWire(SymbolTable({"abc"}), VariableWire(32));
  text->set_bits_per_length(32);
  auto* wide = wire.mutable_variable_packed_struct()->add_fields();
  *wide->mutable_value() = VariableWire(64);
  wide->set_bits_per_length(64);
  return wire;
}

TEST(VariablePackedStruct, Conforms) {
  // Decoded, lengths are u32 and the bytes plain.
  CodecConformance(
      kVariablePackedStruct,
      {{.name = "u16, FSST, wide",
        .role = Role::kPerValue,
        .wire = VariablePackedWire(),
        .n = 1,
        .buffers = {Hex("0102 03000000 00FF78 0200000000000000 6869"),
                    Hex("0304 00000000 0000000000000000")},
        .strings = {Hex("0102 04000000 61626378 02000000 6869"), Hex("0304 00000000 00000000")}}});
}

TEST(VariablePackedStruct, TruncationIsAnError) {
  const std::string row = Hex("0102 03000000 00FF78 0200000000000000 6869");
  for (size_t cut = 0; cut < row.size(); ++cut) {
    EXPECT_FALSE(DecodeCase({.role = Role::kPerValue,
                             .wire = VariablePackedWire(),
                             .n = 1,
                             .buffers = {row.substr(0, cut)}})
                     .ok())
        << cut;
  }
}

TEST(VariablePackedStruct, RefusesOtherLengthsAndSingleBits) {
  Wire wire = VariablePackedWire();
  wire.mutable_variable_packed_struct()->mutable_fields(1)->set_bits_per_length(16);
  EXPECT_FALSE(MakePerValueDecoder(wire).ok());
  wire = VariablePackedWire();
  wire.mutable_variable_packed_struct()->mutable_fields(0)->set_bits_per_value(1);
  EXPECT_FALSE(MakePerValueDecoder(wire).ok());
}

}  // namespace
}  // namespace pilum::encoding
