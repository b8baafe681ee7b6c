// The one list of all codecs, and the dispatch over it.
#include <array>
#include <string>

#include "encoding/bitpacking/bitpacking.h"
#include "encoding/byte_stream_split/byte_stream_split.h"
#include "encoding/codec.h"
#include "encoding/fixed_size_list/fixed_size_list.h"
#include "encoding/flat/flat.h"
#include "encoding/fsst/fsst.h"
#include "encoding/general/general.h"
#include "encoding/packed_struct/packed_struct.h"
#include "encoding/rle/rle.h"
#include "encoding/variable/variable.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

constexpr std::array<const Codec*, 11> kCodecs = {
    &kFlat,          &kVariable,     &kInlineBitpacking,     &kOutOfLineBitpacking,
    &kFsst,          &kRle,          &kByteStreamSplit,      &kGeneral,
    &kFixedSizeList, &kPackedStruct, &kVariablePackedStruct,
};

constexpr int kMaxDepth = 16;

arrow::Result<const Codec*> FindCodec(const Wire& wire, int depth) {
  if (depth > kMaxDepth) return bytes::Corrupt("encodings nest deeper than 16");
  for (const Codec* codec : kCodecs) {
    if (codec->wire_case == wire.compression_case()) return codec;
  }
  if (wire.compression_case() == Wire::COMPRESSION_NOT_SET) {
    return bytes::Corrupt("page descriptor lacks an encoding");
  }
  return MakeError(
      ErrorKind::kUnsupported,
      "encoding number " + std::to_string(wire.compression_case()) + " is not supported");
}

arrow::Status WrongRole(const Codec& codec, std::string_view role) {
  return MakeError(ErrorKind::kUnsupported, "encoding " + std::string(codec.name) +
                                                " is not supported as " + std::string(role) +
                                                " encoding");
}

std::string Describe(const Wire& wire, int depth) {
  if (depth > kMaxDepth) return "…";
  switch (wire.compression_case()) {
    case Wire::kFlat:
      return "flat" + std::to_string(wire.flat().bits_per_value());
    case Wire::kVariable:
      return "variable";
    case Wire::kInlineBitpacking:
      return "bitpacked" + std::to_string(wire.inline_bitpacking().uncompressed_bits_per_value());
    case Wire::kOutOfLineBitpacking:
      return "bitpacked" +
             std::to_string(wire.out_of_line_bitpacking().uncompressed_bits_per_value());
    case Wire::kFsst:
      return "fsst(" + Describe(wire.fsst().values(), depth + 1) + ")";
    case Wire::kRle:
      return "rle(" + Describe(wire.rle().values(), depth + 1) + ")";
    case Wire::kByteStreamSplit:
      return "byte_stream_split(" + Describe(wire.byte_stream_split().values(), depth + 1) + ")";
    case Wire::kGeneral: {
      std::string scheme =
          wire.general().compression().scheme() == lance::encodings21::COMPRESSION_ALGORITHM_LZ4
              ? "lz4"
              : "zstd";
      return scheme + "(" + Describe(wire.general().values(), depth + 1) + ")";
    }
    case Wire::kFixedSizeList:
      return "fixed_size_list(" + Describe(wire.fixed_size_list().values(), depth + 1) + ", " +
             std::to_string(wire.fixed_size_list().items_per_value()) + ")";
    case Wire::kPackedStruct:
      return "packed_struct";
    case Wire::kVariablePackedStruct:
      return "variable_packed_struct";
    default:
      return "unknown" + std::to_string(wire.compression_case());
  }
}

}  // namespace

std::span<const Codec* const> AllCodecs() { return kCodecs; }

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlockDecoder(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(const Codec* codec, FindCodec(wire, depth));
  if (!codec->mini_block) return WrongRole(*codec, "a mini-block");
  return codec->mini_block(wire, depth);
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeBlockDecoder(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(const Codec* codec, FindCodec(wire, depth));
  if (!codec->block) return WrongRole(*codec, "a block");
  return codec->block(wire, depth);
}

arrow::Result<std::unique_ptr<PerValueDecoder>> MakePerValueDecoder(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(const Codec* codec, FindCodec(wire, depth));
  if (!codec->per_value) return WrongRole(*codec, "a per-value");
  return codec->per_value(wire, depth);
}

std::string DescribeEncoding(const Wire& wire) { return Describe(wire, 0); }

arrow::Status CheckBits(uint64_t bits, std::string_view what) {
  if (bits == 1 || (bits != 0 && bits % 8 == 0 && bits <= (uint64_t{1} << 32)))
    return arrow::Status::OK();
  return bytes::Corrupt(std::string(what) + ": " + std::to_string(bits) + " bits per value");
}

}  // namespace pilum::encoding
