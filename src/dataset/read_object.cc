#include "dataset/read_object.h"

#include <limits>
#include <utility>

#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::dataset {

arrow::Result<WholeObject> ReadObject(ObjectStore& store, std::string_view path,
                                      uint64_t known_size) {
  ARROW_ASSIGN_OR_RAISE(auto object, store.Open(path, known_size));
  if (object->size() > std::numeric_limits<int64_t>::max()) {
    return WithContext(bytes::Corrupt("the object is too large"), {.path = object->name()});
  }
  auto size = static_cast<int64_t>(object->size());
  // Not Arrow's own pool, which is gone when threads still read while the process ends.
  ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(size, GetMemoryPool()));
  std::span<uint8_t> target(buffer->mutable_data(), object->size());
  ARROW_RETURN_NOT_OK(object->ReadAt(0, std::as_writable_bytes(target)));
  return WholeObject{object->name(), std::move(buffer)};
}

}  // namespace pilum::dataset
