// Support of this module's tests: descriptors, and encoders just good enough to make golden bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/util/compression.h>

#include "encoding/bitpacking/bitpacking_encode.h"
#include "encoding/codec.h"
#include "encoding/flat/flat_encode.h"
#include "encoding/fsst/fsst_page.h"
#include "encoding/rle/rle_page.h"
#include "encoding/variable/variable_encode.h"

namespace pilum::encoding {

/// Values as the bytes they have in memory.
template <typename T>
std::string Raw(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

/// The same behind one byte, so that they lie at an odd address.
template <typename T>
std::string RawUnaligned(const std::vector<T>& values) {
  std::string bytes(1, 'x');
  bytes += Raw(values);
  return bytes;
}

/// One little-endian number.
template <typename T>
std::string Number(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

/// Bytes written as hexadecimal digits; spaces separate.
inline std::string Hex(std::string_view text) {
  std::string digits, result;
  for (char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c))) digits.push_back(c);
  }
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    result.push_back(static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  }
  return result;
}

inline Bytes AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

inline std::string_view AsText(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string PadTo(std::string bytes, size_t alignment, char filler = '\xFE') {
  while (bytes.size() % alignment != 0) bytes.push_back(filler);
  return bytes;
}

/// The low bits of random numbers.
template <typename T>
std::vector<T> RandomValues(size_t n, uint32_t width, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<T> values(n);
  for (T& value : values) value = width == 0 ? T{0} : static_cast<T>(random() >> (64 - width));
  return values;
}

/// Packs up to 1024 values of `width` bits, straight from the definition of the layout.
template <typename T>
std::string PackBlock(const std::vector<T>& values, uint32_t width) {
  constexpr uint32_t kBits = sizeof(T) * 8;
  constexpr uint32_t kLanes = 1024 / kBits;
  constexpr uint32_t kOrder[8] = {0, 4, 2, 6, 1, 5, 3, 7};
  std::vector<T> packed(static_cast<size_t>(width) * kLanes);
  for (uint32_t lane = 0; lane < kLanes; ++lane) {
    for (uint32_t row = 0; row < kBits; ++row) {
      const size_t i = kOrder[row / 8] * 16 + (row % 8) * 128 + lane;
      const uint64_t value = i < values.size() ? static_cast<uint64_t>(values[i]) : 0;
      for (uint32_t bit = 0; bit < width; ++bit) {
        const uint32_t at = row * width + bit;
        packed[(at / kBits) * kLanes + lane] |=
            static_cast<T>(((value >> bit) & 1) << (at % kBits));
      }
    }
  }
  return Raw(packed);
}

/// Values as offsets of `Offset` from the start of the buffer, and bytes.
template <typename Offset>
std::string VariableChunk(const std::vector<std::string>& values) {
  Offset at = static_cast<Offset>((values.size() + 1) * sizeof(Offset));
  std::string offsets = Number(at), bytes;
  for (const std::string& value : values) {
    at += static_cast<Offset>(value.size());
    offsets += Number(at);
    bytes += value;
  }
  return PadTo(offsets + bytes, sizeof(Offset));
}

/// Values as a block: offset width, start of the bytes, offsets, bytes.
template <typename Offset>
std::string VariableBlock(const std::vector<std::string>& values) {
  Offset at = 0;
  std::string offsets = Number(at), bytes;
  for (const std::string& value : values) {
    at += static_cast<Offset>(value.size());
    offsets += Number(at);
    bytes += value;
  }
  std::string block = Number(static_cast<Offset>(sizeof(Offset) * 8));
  block += Number(static_cast<Offset>(2 * sizeof(Offset) + offsets.size()));
  block += offsets;
  block += bytes;
  return block;
}

// Descriptors.

inline Wire InlineBitpackingWire(uint64_t bits) {
  Wire wire;
  wire.mutable_inline_bitpacking()->set_uncompressed_bits_per_value(bits);
  return wire;
}

inline Wire ByteStreamSplitWire(uint64_t bits) {
  Wire wire;
  *wire.mutable_byte_stream_split()->mutable_values() = FlatWire(bits);
  return wire;
}

inline Wire FixedSizeListWire(uint64_t items, bool has_validity, const Wire& values) {
  Wire wire;
  wire.mutable_fixed_size_list()->set_items_per_value(items);
  wire.mutable_fixed_size_list()->set_has_validity(has_validity);
  *wire.mutable_fixed_size_list()->mutable_values() = values;
  return wire;
}

inline Wire GeneralWire(lance::encodings21::CompressionScheme scheme, const Wire& values) {
  Wire wire;
  wire.mutable_general()->mutable_compression()->set_scheme(scheme);
  *wire.mutable_general()->mutable_values() = values;
  return wire;
}

inline Wire PackedStructWire(const std::vector<uint64_t>& bits, const Wire& rows) {
  Wire wire;
  for (uint64_t field : bits) wire.mutable_packed_struct()->add_bits_per_value(field);
  *wire.mutable_packed_struct()->mutable_values() = rows;
  return wire;
}

/// A symbol table of 2312 bytes.
inline std::string SymbolTable(const std::vector<std::string>& symbols, bool compressed = true) {
  const uint64_t header = uint64_t{0x46535354} << 32 | uint64_t{compressed} << 24 | symbols.size();
  std::string words, lengths;
  for (const std::string& symbol : symbols) {
    words += symbol + std::string(8 - symbol.size(), '\0');
    lengths.push_back(static_cast<char>(symbol.size()));
  }
  std::string table = Number(header) + (compressed ? words + lengths : "");
  table.resize(2312);
  return table;
}

/// Greedy encoding with a table's symbols; escapes what no symbol covers.
inline std::string FsstEncode(const std::vector<std::string>& symbols, std::string_view text) {
  std::string codes;
  while (!text.empty()) {
    size_t best = symbols.size();
    for (size_t i = 0; i < symbols.size(); ++i) {
      if (text.starts_with(symbols[i]) &&
          (best == symbols.size() || symbols[i].size() > symbols[best].size()))
        best = i;
    }
    if (best < symbols.size()) {
      codes.push_back(static_cast<char>(best));
      text.remove_prefix(symbols[best].size());
    } else {
      codes += {'\xFF', text[0]};
      text.remove_prefix(1);
    }
  }
  return codes;
}

inline std::string Compress(arrow::Compression::type type, const std::string& plain) {
  auto codec = arrow::util::Codec::Create(type).ValueOrDie();
  const auto* input = reinterpret_cast<const uint8_t*>(plain.data());
  std::string out(
      static_cast<size_t>(codec->MaxCompressedLen(static_cast<int64_t>(plain.size()), input)),
      '\0');
  const int64_t size =
      codec
          ->Compress(static_cast<int64_t>(plain.size()), input, static_cast<int64_t>(out.size()),
                     reinterpret_cast<uint8_t*>(out.data()))
          .ValueOrDie();
  out.resize(static_cast<size_t>(size));
  return out;
}

/// Bytes framed as in pages.
inline std::string Lz4(const std::string& plain) {
  return Number(static_cast<uint32_t>(plain.size())) + Compress(arrow::Compression::LZ4, plain);
}

inline std::string BareZstd(const std::string& plain) {
  return Compress(arrow::Compression::ZSTD, plain);
}

inline std::string Zstd(const std::string& plain) {
  return Number(uint64_t{plain.size()}) + BareZstd(plain);
}

}  // namespace pilum::encoding
