#include <algorithm>
#include <memory>

#include "pilum/storage.h"

namespace pilum {

arrow::Status ReadableObject::ReadInTwo(uint64_t offset, std::span<std::byte> head,
                                        std::span<std::byte> rest) const {
  const size_t size = head.size() + rest.size();
  const auto bytes = std::make_unique_for_overwrite<std::byte[]>(size);
  ARROW_RETURN_NOT_OK(ReadAt(offset, {bytes.get(), size}));
  std::copy_n(bytes.get(), head.size(), head.data());
  std::copy_n(bytes.get() + head.size(), rest.size(), rest.data());
  return arrow::Status::OK();
}

}  // namespace pilum
