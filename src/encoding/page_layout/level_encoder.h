// Levels on their way into chunks: in as many bits as the largest level of the page needs.
#pragma once

#include <span>

#include "encoding/encoder.h"

namespace pilum::encoding {

class LevelEncoder {
 public:
  explicit LevelEncoder(uint16_t max_level);

  Wire wire() const;
  void Append(std::span<const uint16_t> levels, ByteWriter* out) const;

 private:
  uint32_t width_;
};

}  // namespace pilum::encoding
