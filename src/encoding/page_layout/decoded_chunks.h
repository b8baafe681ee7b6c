// DecodedChunks: chunks of a page that were decoded whole for few of their values, kept decoded.
//
// A chunk compressed as a whole costs as much for one value as for all, and rows in random order want
// a few of each chunk again and again. One that is decoded for few a second time is kept: rows in
// storage order want all of a chunk at once, and keep none.
//
// Chunks stay as long as their page's index, and all of a process take at most what is left of
// RuntimeOptions::block_cache_bytes (runtime/block_budget.h). When these are used up, no others are
// kept, for the reason that io/hot_blocks.h gives.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "encoding/codec.h"

namespace pilum::encoding {

/// A chunk's levels, in the page's numbers, and its values: views.
struct DecodedChunk {
  uint64_t entries = 0;
  std::span<const uint16_t> rep;
  std::span<const uint16_t> def;
  Values values;
  bool stable = false;  ///< the bytes of variable-width values outlive the decoding of the page
};

/// Thread-safe. In a forked child, chunks that the parent kept are there; one that it was about to
/// keep at that moment is not kept any more.
class DecodedChunks {
 public:
  DecodedChunks() = default;
  ~DecodedChunks();
  DecodedChunks(const DecodedChunks&) = delete;
  DecodedChunks& operator=(const DecodedChunks&) = delete;

  /// Valid as long as this; null if the chunk is not kept.
  const DecodedChunk* Find(uint32_t chunk) const;
  bool HasAll(uint32_t first, uint32_t count) const;

  /// Counts that a chunk is about to be decoded for few of its values. True if it should be decoded
  /// whole and kept: once for each chunk. `num_chunks` is of the page, and always the same.
  bool Count(uint32_t chunk, uint32_t num_chunks);
  /// Keeps a copy of a chunk of which Count has said so, if bytes are left for it.
  void Keep(uint32_t chunk, const DecodedChunk& decoded);

 private:
  struct Kept;
  struct Slot {
    std::atomic<uint32_t> decodes{0};
    std::atomic<const Kept*> kept{nullptr};
  };
  struct Slots;

  std::atomic<Slots*> slots_{nullptr};  // made by the first count
};

}  // namespace pilum::encoding
