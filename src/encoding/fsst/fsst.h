// FSST: strings as codes of one byte that stand for symbols of 1 to 8 bytes; 255 escapes a literal
// byte.
//
//   symbol table, 2312 bytes:
//     u64 header = "FSST" << 32 | switch << 24 | suffix limit << 16 | terminator << 8 | n
//     n symbols of 8 bytes | n lengths of 1 byte | zeros
//   switch 0: values are stored as they are
//
// Source: Boncz, Neumann, Leis, FSST: Fast Random Access String Compression, VLDB 2020.
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kFsst;

/// A parsed symbol table. Immutable.
class FsstTable {
 public:
  static arrow::Result<FsstTable> Parse(Bytes table);

  bool compressed() const { return compressed_; }
  /// Most bytes that `encoded_size` codes can decode to, plus the room Decode may overwrite.
  static uint64_t MaxDecoded(uint64_t encoded_size) { return encoded_size * 8 + 8; }
  /// Decodes to `out`, which has MaxDecoded bytes; returns the length. kCorruptData on an unknown
  /// code or an escape at the end.
  arrow::Result<uint64_t> Decode(Bytes encoded, std::byte* out) const;
  /// Values [first, first + count) of `encoded`, decoded to the arena; the offsets of others are
  /// not set.
  arrow::Result<Values> DecodeValues(const Values& encoded, uint32_t first, uint32_t count,
                                     Arena* arena) const;

 private:
  bool compressed_ = false;
  uint64_t symbols_[256] = {};
  uint8_t lengths_[256] = {};  // 0 = no such code
};

}  // namespace pilum::encoding
