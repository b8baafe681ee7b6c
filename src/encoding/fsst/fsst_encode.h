// Compression with FSST (layout and source: fsst.h).
//
// Training grows a symbol table in generations: the sample is encoded with the symbols there are,
// and the next generation has those symbols, and those concatenations of two that followed each
// other, that cover most bytes. Encoding takes the longest symbol at each place; to find it with
// one look-up, there is at most one symbol of three and more bytes for each slot that its first
// three bytes hash to. No symbol of two and more bytes contains the rarest byte, the terminator:
// followed by it, a value can be searched as if it had no end. Decoders need neither the terminator
// nor the suffix limit, which stays 0, and take symbols in any order.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "encoding/codec.h"

namespace pilum::encoding {

/// A trained symbol table, ready to encode. Immutable and thread-safe; the same values make the
/// same table.
class FsstEncoder {
 public:
  /// A table for values like [offsets[i], offsets[i + 1]) of `bytes`, of which a sample is looked
  /// at.
  static FsstEncoder Train(std::span<const uint32_t> offsets, Bytes bytes);

  FsstEncoder(FsstEncoder&&) noexcept;
  FsstEncoder& operator=(FsstEncoder&&) noexcept;
  ~FsstEncoder();

  uint32_t num_symbols() const;
  /// As descriptors hold it.
  const std::string& symbol_table() const { return symbol_table_; }

  /// Most bytes that `size` bytes are encoded to.
  static uint64_t MaxEncoded(uint64_t size) { return 2 * size; }
  /// Encodes one value to `out`, which has MaxEncoded bytes; returns the length.
  uint64_t EncodeValue(Bytes value, std::byte* out) const;
  /// Encodes values one after the other to `out`, which has MaxEncoded bytes for all of them; their
  /// n + 1 offsets, from 0, go to `out_offsets`. Returns the length, which must fit 32 bits.
  uint64_t Encode(std::span<const uint32_t> offsets, Bytes bytes, uint32_t* out_offsets,
                  std::byte* out) const;

 private:
  class Matcher;
  class Trainer;
  explicit FsstEncoder(std::unique_ptr<const Matcher> matcher);
  /// Encode where eight bytes can be read from the place of each one.
  uint64_t EncodeStreams(std::span<const uint32_t> offsets, Bytes bytes, uint32_t* out_offsets,
                         std::byte* out) const;

  std::unique_ptr<const Matcher> matcher_;
  std::string symbol_table_;
};

}  // namespace pilum::encoding
