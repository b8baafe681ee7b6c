// Entry points for fuzzing: each feeds bytes to one decoder, looks at what comes out and ignores
// errors.
//
// Inputs are framed so that a descriptor and its buffers can be damaged independently; seeds made
// from real pages use the same framing (little-endian):
//
//   codecs    u16 values | u16 size, descriptor | buffers, each u16 size, bytes
//   pages     u8 leaf type | u32 rows | u16 size, descriptor | buffers, each u32 size, bytes
//   symbols   u16 size, symbol table | encoded value
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "encoding/leaf_builder.h"
#include "encoding/levels.h"
#include "lance/encodings21.pb.h"

namespace pilum::encoding {

void FuzzMiniBlockCodec(std::span<const std::byte> bytes);
void FuzzBlockCodec(std::span<const std::byte> bytes);
void FuzzPerValueCodec(std::span<const std::byte> bytes);
/// Pages of storage versions 2.1 and 2.2: all rows, some rows, and rows in another order.
void FuzzPageLayout(std::span<const std::byte> bytes);
/// Leaf pages of storage version 2.0.
void FuzzLeafPageV2_0(std::span<const std::byte> bytes);
void FuzzFsstTable(std::span<const std::byte> bytes);

/// The leaf types that the first byte of a page input chooses from.
const std::vector<LeafType>& FuzzLeafTypes();
/// The layers of the column that a page input stands for: those that its descriptor names.
LevelScheme FuzzLevelScheme(const lance::encodings21::PageLayout& wire);

}  // namespace pilum::encoding
