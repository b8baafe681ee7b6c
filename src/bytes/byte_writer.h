// ByteWriter: bytes that grow, in memory of an Arrow pool.
//
// Like a std::vector it throws std::bad_alloc when memory runs out. One owner, not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>

#include "bytes/byte_reader.h"

namespace pilum::bytes {

class ByteWriter {
 public:
  explicit ByteWriter(arrow::MemoryPool* pool) : pool_(pool) {}

  size_t size() const { return size_; }
  Bytes view() const { return {data(), size_}; }

  /// Makes room for so many bytes in all: growing copies what is there.
  void Reserve(size_t n) {
    if (n > capacity_) GrowTo(n);
  }

  /// Appends n bytes of any content and returns the first, valid until the next call.
  std::byte* Extend(size_t n) {
    if (size_ + n > capacity_) Grow(size_ + n);
    std::byte* added = data() + size_;
    size_ += n;
    return added;
  }

  void Append(Bytes bytes) {
    if (!bytes.empty()) std::memcpy(Extend(bytes.size()), bytes.data(), bytes.size());
  }

  /// Little endian.
  template <typename T>
  void Put(T value) {
    static_assert(std::is_integral_v<T>);
    std::memcpy(Extend(sizeof(T)), &value, sizeof(T));
  }

  template <typename T>
  void PutAt(size_t at, T value) {
    static_assert(std::is_integral_v<T>);
    std::memcpy(data() + at, &value, sizeof(T));
  }

  /// Fills up to a multiple of `alignment`.
  void Pad(size_t alignment, std::byte filler) {
    const size_t n = (alignment - size_ % alignment) % alignment;
    if (n > 0) std::memset(Extend(n), static_cast<int>(filler), n);
  }

  /// What was written; the writer is empty afterwards.
  std::shared_ptr<arrow::Buffer> Finish() {
    if (!buffer_) return std::make_shared<arrow::Buffer>(nullptr, 0);
    // Shrinking keeps the memory: what is written out soon is not worth another copy.
    if (!buffer_->Resize(static_cast<int64_t>(size_), /*shrink_to_fit=*/false).ok())
      throw std::bad_alloc();
    size_ = capacity_ = 0;
    return std::exchange(buffer_, nullptr);
  }

 private:
  std::byte* data() const {
    return buffer_ ? reinterpret_cast<std::byte*>(buffer_->mutable_data()) : nullptr;
  }

  void Grow(size_t at_least) { GrowTo(std::max({at_least, 2 * capacity_, size_t{256}})); }

  void GrowTo(size_t capacity) {
    const auto wanted = static_cast<int64_t>(capacity);
    if (!buffer_) {
      auto made = arrow::AllocateResizableBuffer(wanted, pool_);
      if (!made.ok()) throw std::bad_alloc();
      buffer_ = *std::move(made);
    } else if (!buffer_->Resize(wanted, /*shrink_to_fit=*/false).ok()) {
      throw std::bad_alloc();
    }
    capacity_ = static_cast<size_t>(buffer_->capacity());
  }

  arrow::MemoryPool* pool_;
  std::shared_ptr<arrow::ResizableBuffer> buffer_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace pilum::bytes
