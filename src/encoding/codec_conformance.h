// What every codec must do, as one call in its test:
//
//   TEST(Rle, Conforms) { CodecConformance(kRle, {{.name = "two runs", …}}); }
//
// For each case: the encoded bytes decode to the values, also from unaligned memory and into memory
// given; truncated at every byte, with random bits flipped, and with other numbers of values, they
// decode to an error or to values that can be read. The last is for a sanitizer to judge.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "encoding/codec.h"

namespace pilum::encoding {

enum class Role { kMiniBlock, kBlock, kPerValue };

struct CodecCase {
  std::string name;
  Role role = Role::kMiniBlock;
  Wire wire;
  uint32_t n = 0;                               ///< per value: 1
  std::vector<std::string> buffers;             ///< encoded
  std::string fixed = {};                       ///< what they decode to, if fixed width
  std::vector<std::string> strings = {};        ///< or variable
  std::vector<std::string> item_validity = {};  ///< per list level; empty = all valid
};

void CodecConformance(const Codec& codec, const std::vector<CodecCase>& cases);

/// Decodes, and copies what comes out into the fields of a case that say what to expect.
arrow::Result<CodecCase> DecodeCase(const CodecCase& encoded, bool with_into = false);

}  // namespace pilum::encoding
