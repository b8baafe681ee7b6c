#include "encoding/rle/rle_encode.h"

#include <algorithm>

#include "bytes/byte_reader.h"

namespace pilum::encoding {
namespace {

constexpr uint32_t kMaxRun = 255;

template <typename T>
uint64_t Count(const std::byte* values, size_t n) {
  if (n == 0) return 0;
  uint64_t runs = 1;
  // Blocks whose count fits T: the loop over one is plain vector code.
  constexpr size_t kBlock = 128;
  for (size_t begin = 1; begin < n; begin += kBlock) {
    const std::byte* at = values + begin * sizeof(T);
    const size_t size = std::min(kBlock, n - begin);
    T changes = 0;
    for (size_t i = 0; i < size; ++i) {
      const std::byte* value = at + i * sizeof(T);
      changes += bytes::Load<T>(value) != bytes::Load<T>(value - sizeof(T));
    }
    runs += changes;
  }
  return runs;
}

// Without branches on values: where runs are short, none could be foretold.
template <typename T>
size_t Encode(const std::byte* values, size_t n, std::byte* run_values, std::byte* run_lengths) {
  if (n == 0) return 0;
  T value = bytes::Load<T>(values);
  uint32_t length = 0;
  size_t run = 0;
  for (size_t i = 0; i < n; ++i) {
    const T next = bytes::Load<T>(values + i * sizeof(T));
    const bool ends = (next != value) | (length == kMaxRun);
    run += ends;
    length = ends ? 1 : length + 1;
    value = next;
    bytes::Store(run_values + run * sizeof(T), value);
    run_lengths[run] = static_cast<std::byte>(length);
  }
  return run + 1;
}

template <typename Visit>
auto WithType(uint32_t t_bits, Visit&& visit) {
  switch (t_bits) {
    case 8:
      return visit(uint8_t{});
    case 16:
      return visit(uint16_t{});
    case 32:
      return visit(uint32_t{});
    default:
      return visit(uint64_t{});
  }
}

}  // namespace

uint64_t CountRuns(uint32_t t_bits, const std::byte* values, size_t n) {
  return WithType(t_bits, [&](auto type) { return Count<decltype(type)>(values, n); });
}

void EncodeRuns(uint32_t t_bits, const std::byte* values, size_t n,
                std::vector<std::byte>* run_values, std::vector<std::byte>* run_lengths) {
  const size_t word = t_bits / 8;
  const size_t room = CountRuns(t_bits, values, n) + n / kMaxRun;
  run_values->resize(room * word);
  run_lengths->resize(room);
  const size_t runs = WithType(t_bits, [&](auto type) {
    return Encode<decltype(type)>(values, n, run_values->data(), run_lengths->data());
  });
  run_values->resize(runs * word);
  run_lengths->resize(runs);
}

}  // namespace pilum::encoding
