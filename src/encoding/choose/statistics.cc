#include "encoding/choose/statistics.h"

#include <cstring>
#include <utility>

namespace pilum::encoding {
namespace {

// Mixing as in wyhash: the halves of a 128-bit product folded together.
uint64_t Mix(uint64_t a, uint64_t b) {
  const auto product =
      static_cast<unsigned __int128>(a ^ 0xa0761d6478bd642f) * (b ^ 0xe7037ed1a0b428db);
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t HashBytes(const std::byte* p, size_t size) {
  if (size < 8) return Mix(bytes::LoadShort(p, size), size);
  uint64_t hash = size;
  const std::byte* const last = p + size - 8;
  for (; p < last; p += 8) hash = Mix(bytes::Load<uint64_t>(p), hash);
  return Mix(bytes::Load<uint64_t>(last), hash);
}

template <typename T>
struct Words {
  const std::byte* values;
  T At(size_t i) const { return bytes::Load<T>(values + i * sizeof(T)); }
  uint64_t Hash(size_t i) const { return Mix(At(i), 0); }
  bool Equal(size_t i, size_t j) const { return At(i) == At(j); }
};

struct Fixed {
  const std::byte* values;
  size_t width;
  uint64_t Hash(size_t i) const { return HashBytes(values + i * width, width); }
  bool Equal(size_t i, size_t j) const {
    return std::memcmp(values + i * width, values + j * width, width) == 0;
  }
};

struct Variable {
  std::span<const uint32_t> offsets;
  Bytes bytes;
  const std::byte* At(size_t i) const { return bytes.data() + offsets[i]; }
  size_t Size(size_t i) const { return offsets[i + 1] - offsets[i]; }
  uint64_t Hash(size_t i) const { return HashBytes(At(i), Size(i)); }
  bool Equal(size_t i, size_t j) const {
    return Size(i) == Size(j) && (Size(i) == 0 || std::memcmp(At(i), At(j), Size(i)) == 0);
  }
};

/// The distinct values so far, by hash: open addressing with at most half of the slots in use.
class DistinctTable {
 public:
  uint64_t size() const { return first_.size(); }
  std::vector<uint32_t> TakeFirst() { return std::move(first_); }

  /// The number of value `i`, which is a new one if none equals it.
  template <typename ValuesT>
  uint32_t Insert(const ValuesT& values, size_t i) {
    const auto hash = static_cast<uint32_t>(values.Hash(i) >> 32);
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].number != kFree; at = (at + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[at];
      if (slot.hash == hash && values.Equal(first_[slot.number], i)) return slot.number;
    }
    const auto number = static_cast<uint32_t>(first_.size());
    slots_[at] = {hash, number};
    first_.push_back(static_cast<uint32_t>(i));
    if (first_.size() * 2 > slots_.size()) Grow();
    return number;
  }

 private:
  static constexpr uint32_t kFree = UINT32_MAX;
  struct Slot {
    uint32_t hash = 0;
    uint32_t number = kFree;
  };

  void Grow() {
    std::vector<Slot> old(slots_.size() * 4);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.number == kFree) continue;
      size_t at = slot.hash & (slots_.size() - 1);
      while (slots_[at].number != kFree) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::vector<uint32_t> first_;
};

template <typename ValuesT>
uint64_t Count(const ValuesT& values, size_t n, uint64_t limit, DistinctValues* found) {
  DistinctTable table;
  if (found) found->indices.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const uint32_t number = table.Insert(values, i);
    if (number >= limit) return limit + 1;
    if (found) found->indices[i] = number;
  }
  if (found) found->first = table.TakeFirst();
  return found ? found->first.size() : table.size();
}

}  // namespace

uint64_t CountDistinct(const std::byte* values, size_t width, size_t n, uint64_t limit,
                       DistinctValues* found) {
  switch (width) {
    case 4:
      return Count(Words<uint32_t>{values}, n, limit, found);
    case 8:
      return Count(Words<uint64_t>{values}, n, limit, found);
    default:
      return Count(Fixed{values, width}, n, limit, found);
  }
}

uint64_t CountDistinct(std::span<const uint32_t> offsets, Bytes bytes, uint64_t limit,
                       DistinctValues* found) {
  return Count(Variable{offsets, bytes}, offsets.size() - 1, limit, found);
}

}  // namespace pilum::encoding
