// JSON columns: stored as JSONB, delivered as text.
//
//   document   a container
//   container  u32 header: kind (top 3 bits: 1 scalar, 2 object, 4 array) and number of items n
//              object: n entries of the keys | n entries of the values | keys | values
//              array: n entries | values
//              scalar: one entry | value; n is 0
//   entry      u32: type (bits 28 to 30: 0 null, 1 string, 2 number, 3 false, 4 true, 5 container)
//              and the value's length in bytes
//   number     u8 kind: 0x00 zero | 0x10 NaN | 0x20 infinity | 0x30 minus infinity | 0x40 signed,
//              0x50 unsigned, of 1, 2, 4 or 8 bytes | 0x60 double
//
// Integers are big-endian. Source: the format of the Rust crate jsonb, which Lance writes; text is
// written as Lance writes it: compact, the shortest digits that give the same number, null for a
// number that JSON has not.
#pragma once

#include <memory>
#include <string>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include "bytes/byte_range.h"
#include "encoding/leaf_builder.h"

namespace pilum::file {

inline constexpr int kMaxJsonDepth = 128;  ///< of documents that are read, and written

/// Appends a document as JSON text.
arrow::Status AppendJsonText(bytes::Bytes document, std::string* text);

/// Documents (variable-width values with 64-bit offsets) as a string array.
arrow::Result<std::shared_ptr<arrow::ArrayData>> MakeJsonArray(
    const encoding::LeafData& documents, const std::shared_ptr<arrow::Buffer>& validity,
    arrow::MemoryPool* pool);

}  // namespace pilum::file
