// Row addresses: which physical row of which fragment, in one number.
//
//   address = fragment id << 32 | offset        offset counts all rows of the fragment, deleted
//   ones too
//
// Plain values; every function is pure.
#pragma once

#include <cstdint>
#include <string>

namespace pilum::rows {

inline constexpr uint64_t MakeRowAddress(uint32_t fragment, uint32_t offset) {
  return uint64_t{fragment} << 32 | offset;
}

inline constexpr uint32_t FragmentOf(uint64_t address) {
  return static_cast<uint32_t>(address >> 32);
}

inline constexpr uint32_t OffsetOf(uint64_t address) { return static_cast<uint32_t>(address); }

/// "row 17 of fragment 3", for messages.
std::string DescribeRowAddress(uint64_t address);

}  // namespace pilum::rows
