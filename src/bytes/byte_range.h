// A run of bytes in a file.
#pragma once

#include <cstdint>

namespace pilum::bytes {

struct ByteRange {
  uint64_t offset = 0;
  uint64_t length = 0;
};

}  // namespace pilum::bytes
