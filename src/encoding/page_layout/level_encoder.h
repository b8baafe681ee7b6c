// Levels on their way into pages: in as many bits as the largest level of the page needs, or as runs.
#pragma once

#include <cstdint>
#include <span>

#include "encoding/encoder.h"

namespace pilum::encoding {

/// For all levels of one kind of a page.
class LevelEncoder {
 public:
  /// `levels` up to `max_level`, of which `count` at a time will be appended. Runs are chosen if
  /// they are allowed (from storage version 2.2 on) and smaller.
  LevelEncoder(std::span<const uint16_t> levels, uint16_t max_level, uint64_t count,
               bool runs_allowed);

  Wire wire() const;
  void Append(std::span<const uint16_t> levels, ByteWriter* out) const;

 private:
  uint32_t width_;
  bool runs_ = false;
};

}  // namespace pilum::encoding
