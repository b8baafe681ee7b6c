#include "bytes/byte_reader.h"

#include <string>

#include "pilum/error.h"

namespace pilum::bytes {

arrow::Status Corrupt(std::string message) {
  return MakeError(ErrorKind::kCorruptData, std::move(message));
}

arrow::Status Truncated(std::string_view what, uint64_t at, uint64_t need, uint64_t have) {
  return Corrupt(std::string(what) + ": expected " + std::to_string(need) + " bytes at offset " +
                 std::to_string(at) + ", " + std::to_string(have) + " left");
}

}  // namespace pilum::bytes
