// The check that every read of an object makes first.
#pragma once

#include <cstdint>

#include <arrow/status.h>

#include "pilum/storage.h"

namespace pilum::io {

/// kCorruptData, naming object and offset, unless bytes [offset, offset + length) lie in `object`.
/// No values of `offset` and `length` overflow.
arrow::Status CheckRange(const ReadableObject& object, uint64_t offset, uint64_t length);

}  // namespace pilum::io
