#include "io/object_range.h"

#include <string>

#include "pilum/error.h"

namespace pilum::io {

arrow::Status CheckRange(const ReadableObject& object, uint64_t offset, uint64_t length) {
  uint64_t size = object.size();
  if (offset <= size && length <= size - offset) return arrow::Status::OK();
  return MakeError(ErrorKind::kCorruptData,
                   std::to_string(length) + " bytes from byte " + std::to_string(offset) +
                       " on are needed, but '" + object.name() + "' has only " +
                       std::to_string(size) +
                       " bytes; it is truncated, or what points into it is damaged",
                   {.path = object.name(), .offset = offset});
}

}  // namespace pilum::io
