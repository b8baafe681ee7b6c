// Bounds-checked little-endian reads of bytes that came from a file.
//
// Every header is read through ByteReader: no read past the end, no alignment assumed, and an error
// that names the offset and what was expected. Loops over values check once (size >= n * width) and
// then use Load() on raw pointers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <arrow/result.h>
#include <arrow/status.h>

namespace pilum::bytes {

static_assert(std::endian::native == std::endian::little, "pilum needs a little-endian machine");

using Bytes = std::span<const std::byte>;

/// An unaligned load of a trivially copyable value.
template <typename T>
inline T Load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof(T));
  return value;
}

template <typename T>
inline void Store(std::byte* p, T value) {
  std::memcpy(p, &value, sizeof(T));
}

/// The `n` < 8 bytes at `p` as a number, and nothing read behind them.
inline uint64_t LoadShort(const std::byte* p, size_t n) {
  if (n >= 4) return Load<uint32_t>(p) | uint64_t{Load<uint32_t>(p + n - 4)} << (8 * n - 32);
  if (n == 0) return 0;
  const auto at = [&](size_t i) { return uint64_t{static_cast<uint8_t>(p[i])} << (8 * i); };
  return at(0) | at(n / 2) | at(n - 1);
}

/// A kCorruptData error: "<what>: expected <need> bytes at offset <at>, <have> left".
arrow::Status Truncated(std::string_view what, uint64_t at, uint64_t need, uint64_t have);
/// A kCorruptData error with this message.
arrow::Status Corrupt(std::string message);

/// A cursor over bytes. A value type; the bytes must outlive it.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return bytes_.size() - position_; }

  /// The next sizeof(T) bytes as T; `what` names the field in errors.
  template <typename T>
  arrow::Result<T> Read(std::string_view what) {
    if (remaining() < sizeof(T)) return Truncated(what, position_, sizeof(T), remaining());
    T value = Load<T>(bytes_.data() + position_);
    position_ += sizeof(T);
    return value;
  }

  /// The next `length` bytes, not copied.
  arrow::Result<Bytes> Take(uint64_t length, std::string_view what) {
    if (remaining() < length) return Truncated(what, position_, length, remaining());
    Bytes taken = bytes_.subspan(position_, length);
    position_ += length;
    return taken;
  }

  /// Skips to the next multiple of `alignment` (a power of two), counted from the start.
  arrow::Status Align(size_t alignment, std::string_view what) {
    size_t aligned = (position_ + alignment - 1) & ~(alignment - 1);
    return Take(aligned - position_, what).status();
  }

 private:
  Bytes bytes_;
  size_t position_ = 0;
};

/// x rounded up to a multiple of 8.

}  // namespace pilum::bytes
