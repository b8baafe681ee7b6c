#include "encoding/encoder.h"

#include <algorithm>
#include <bit>

namespace pilum::encoding {

uint32_t ChunkOf(uint64_t limit, uint64_t left) {
  const uint64_t chunk = std::bit_floor(std::max<uint64_t>(limit, 2));
  return static_cast<uint32_t>(std::min(chunk, left));
}

}  // namespace pilum::encoding
