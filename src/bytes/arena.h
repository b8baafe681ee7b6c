// Arena: scratch memory for decoding, handed out by bumping a pointer.
//
// Reset() takes everything back at once and keeps the largest block, so that decoding chunk after
// chunk touches the same warm memory. One owner, not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

namespace pilum::bytes {

class Arena {
 public:
  /// `size` uninitialised bytes, 64-byte aligned, valid until Reset.
  std::byte* Allocate(size_t size) {
    size = (size + kAlignment - 1) & ~(kAlignment - 1);
    if (blocks_.empty() || blocks_.back().size - used_ < size) AddBlock(size);
    std::byte* p = blocks_.back().data.get() + used_;
    used_ += size;
    return p;
  }

  template <typename T>
  T* AllocateArray(size_t n) {
    return reinterpret_cast<T*>(Allocate(n * sizeof(T)));
  }

  /// Bytes taken from the system.
  size_t capacity() const {
    size_t size = 0;
    for (const Block& block : blocks_) size += block.size;
    return size;
  }

  void Reset() {
    if (blocks_.size() > 1) blocks_.erase(blocks_.begin(), blocks_.end() - 1);
    used_ = 0;
  }

 private:
  static constexpr size_t kAlignment = 64;
  struct FreeAligned {
    void operator()(std::byte* p) const { ::operator delete[](p, std::align_val_t(kAlignment)); }
  };
  struct Block {
    std::unique_ptr<std::byte[], FreeAligned> data;
    size_t size;
  };

  void AddBlock(size_t at_least) {
    size_t size = std::max<size_t>(at_least, blocks_.empty() ? 64 << 10 : blocks_.back().size * 2);
    blocks_.push_back({std::unique_ptr<std::byte[], FreeAligned>(static_cast<std::byte*>(
                           ::operator new[](size, std::align_val_t(kAlignment)))),
                       size});
    used_ = 0;
  }

  std::vector<Block> blocks_;
  size_t used_ = 0;
};

}  // namespace pilum::bytes
