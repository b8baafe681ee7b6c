// General-purpose compression around another encoding. In mini-blocks only the first buffer is
// compressed, chunk by chunk.
//
//   LZ4    u32 uncompressed size | one LZ4 block
//   ZSTD   u64 uncompressed size | one zstd frame; also a bare frame. No bytes = no bytes.
#pragma once

#include "encoding/codec.h"

namespace pilum::encoding {

extern const Codec kGeneral;

enum class CompressionScheme { kLz4, kZstd };

/// Decompresses a buffer framed as above into the arena. What a size field claims is not allocated
/// before the data has shown that it can be so much.
arrow::Result<Bytes> Decompress(CompressionScheme scheme, Bytes compressed, Arena* arena);

}  // namespace pilum::encoding
