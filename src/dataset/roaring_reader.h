// Reading 32-bit Roaring bitmaps in their portable form, as deletion files hold them.
//
//   cookie, number of containers [, which of them are runs]
//   per container: u16 high bits, u16 cardinality - 1
//   [per container: u32 offset]           not needed to read, skipped
//   the containers: runs, a sorted array (up to 4096 values) or a bitmap of 65536 bits
//
// The library for such bitmaps does not check what it reads, so this does. A pure function.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/result.h>

#include "bytes/byte_reader.h"

namespace pilum::dataset {

/// The values, ascending. Everything the bytes state twice must agree, and nothing may follow. More
/// than `max_values` are an error, found before memory is taken for them.
arrow::Result<std::vector<uint32_t>> ReadRoaring(bytes::Bytes bytes, uint64_t max_values);

}  // namespace pilum::dataset
