// Decoded dictionary items as an Arrow array of their own.
#pragma once

#include <memory>

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/result.h>

#include "encoding/codec.h"

namespace pilum::encoding {

/// A buffer with a copy of the bytes.
arrow::Result<std::shared_ptr<arrow::Buffer>> CopyBytes(Bytes bytes);

/// `n` items of `type`, copied.
arrow::Result<std::shared_ptr<arrow::Array>> MakeItemsArray(
    const std::shared_ptr<arrow::DataType>& type, const Values& items, uint64_t n);

}  // namespace pilum::encoding
