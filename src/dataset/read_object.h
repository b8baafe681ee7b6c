// Reading a small object whole: manifests, tags, deletion files.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include <arrow/buffer.h>
#include <arrow/result.h>

#include "bytes/byte_reader.h"
#include "pilum/storage.h"

namespace pilum::dataset {

/// An object's bytes, with the name to show in errors.
struct WholeObject {
  std::string name;
  std::shared_ptr<arrow::Buffer> buffer;

  bytes::Bytes bytes() const {
    return std::as_bytes(std::span(buffer->data(), static_cast<size_t>(buffer->size())));
  }
};

/// `known_size` as in ObjectStore::Open.
arrow::Result<WholeObject> ReadObject(ObjectStore& store, std::string_view path,
                                      uint64_t known_size = 0);

}  // namespace pilum::dataset
