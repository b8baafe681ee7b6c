#include "encoding/items_array.h"

#include <cstring>

#include <arrow/type_traits.h>

namespace pilum::encoding {

using arrow::Result;

Result<std::shared_ptr<arrow::Buffer>> CopyBytes(Bytes bytes) {
  ARROW_ASSIGN_OR_RAISE(auto buffer, arrow::AllocateBuffer(static_cast<int64_t>(bytes.size())));
  if (!bytes.empty()) std::memcpy(buffer->mutable_data(), bytes.data(), bytes.size());
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

Result<std::shared_ptr<arrow::Array>> MakeItemsArray(const std::shared_ptr<arrow::DataType>& type,
                                                     const Values& items, uint64_t n) {
  if (items.offsets.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto values, CopyBytes(items.fixed));
    return arrow::MakeArray(
        arrow::ArrayData::Make(type, static_cast<int64_t>(n), {nullptr, values}, 0));
  }
  ARROW_ASSIGN_OR_RAISE(auto values, CopyBytes(items.bytes.first(items.offsets[n])));
  std::shared_ptr<arrow::Buffer> offsets;
  if (arrow::is_large_binary_like(type->id())) {
    std::vector<int64_t> wide(items.offsets.begin(), items.offsets.end());
    ARROW_ASSIGN_OR_RAISE(offsets, CopyBytes(std::as_bytes(std::span(wide))));
  } else {
    if (items.offsets[n] > INT32_MAX) return bytes::Corrupt("a dictionary of more than 2 GiB");
    ARROW_ASSIGN_OR_RAISE(offsets, CopyBytes(std::as_bytes(items.offsets)));
  }
  return arrow::MakeArray(
      arrow::ArrayData::Make(type, static_cast<int64_t>(n), {nullptr, offsets, values}, 0));
}

}  // namespace pilum::encoding
