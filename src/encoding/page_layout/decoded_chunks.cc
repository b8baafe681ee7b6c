#include "encoding/page_layout/decoded_chunks.h"

#include <cstring>
#include <vector>

#include "runtime/block_budget.h"

namespace pilum::encoding {
namespace {

constexpr uint32_t kWorthKeeping = 2;  // decodes for few values
constexpr size_t kAlignment = 8;       // of each part, as in chunks

size_t Padded(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

// Only the bytes that the values use: what was decompressed may have their offsets, too.
Bytes BytesOf(const Values& values) {
  if (values.offsets.empty()) return {};
  return values.bytes.subspan(values.offsets.front(),
                              values.offsets.back() - values.offsets.front());
}

size_t SizeOf(const DecodedChunk& chunk) {
  size_t size = Padded(chunk.rep.size_bytes()) + Padded(chunk.def.size_bytes()) +
                Padded(chunk.values.fixed.size()) + Padded(chunk.values.offsets.size_bytes()) +
                Padded(BytesOf(chunk.values).size());
  for (const Bytes& validity : chunk.values.item_validity) size += Padded(validity.size());
  return size;
}

}  // namespace

struct DecodedChunks::Slots {
  explicit Slots(uint32_t count) : slots(count) {}
  int64_t bytes() const {
    return static_cast<int64_t>(sizeof(*this) + slots.size() * sizeof(Slot));
  }

  std::vector<Slot> slots;
};

struct DecodedChunks::Kept {
  Kept(const DecodedChunk& from, size_t size) : memory(new std::byte[size]), bytes(size) {
    std::byte* free = memory.get();
    const auto copy = [&]<typename T>(std::span<const T> span) {
      std::byte* at = free;
      if (!span.empty()) std::memcpy(at, span.data(), span.size_bytes());
      free += Padded(span.size_bytes());
      return std::span<T>(reinterpret_cast<T*>(at), span.size());
    };
    chunk.entries = from.entries;
    chunk.stable = true;
    chunk.rep = copy(from.rep);
    chunk.def = copy(from.def);
    chunk.values.fixed = copy(from.values.fixed);
    chunk.values.bytes = copy(BytesOf(from.values));
    const auto offsets = copy(from.values.offsets);
    for (uint32_t& offset : offsets) offset -= from.values.offsets.front();
    chunk.values.offsets = offsets;
    for (const Bytes& validity : from.values.item_validity)
      chunk.values.item_validity.push_back(copy(validity));
  }

  std::unique_ptr<std::byte[]> memory;
  size_t bytes;
  DecodedChunk chunk;
};

DecodedChunks::~DecodedChunks() {
  const std::unique_ptr<Slots> slots(slots_.load());
  if (!slots) return;
  int64_t bytes = slots->bytes();
  for (Slot& slot : slots->slots) {
    const std::unique_ptr<const Kept> kept(slot.kept.load());
    if (kept) bytes += static_cast<int64_t>(sizeof(Kept) + kept->bytes);
  }
  runtime::ReturnToBlockBudget(bytes);
}

const DecodedChunk* DecodedChunks::Find(uint32_t chunk) const {
  const Slots* slots = slots_.load(std::memory_order_acquire);
  if (slots == nullptr) return nullptr;
  const Kept* kept = slots->slots[chunk].kept.load(std::memory_order_acquire);
  return kept == nullptr ? nullptr : &kept->chunk;
}

bool DecodedChunks::HasAll(uint32_t first, uint32_t count) const {
  for (uint32_t chunk = first; chunk < first + count; ++chunk)
    if (Find(chunk) == nullptr) return false;
  return true;
}

bool DecodedChunks::Count(uint32_t chunk, uint32_t num_chunks) {
  Slots* slots = slots_.load(std::memory_order_acquire);
  if (slots == nullptr) {
    auto made = std::make_unique<Slots>(num_chunks);
    if (!runtime::TakeFromBlockBudget(made->bytes())) return false;
    if (slots_.compare_exchange_strong(slots, made.get())) {
      slots = made.release();
    } else {
      runtime::ReturnToBlockBudget(made->bytes());
    }
  }
  return slots->slots[chunk].decodes.fetch_add(1, std::memory_order_relaxed) + 1 == kWorthKeeping;
}

void DecodedChunks::Keep(uint32_t chunk, const DecodedChunk& decoded) {
  const size_t size = SizeOf(decoded);
  if (!runtime::TakeFromBlockBudget(static_cast<int64_t>(sizeof(Kept) + size))) return;
  slots_.load()->slots[chunk].kept.store(new Kept(decoded, size), std::memory_order_release);
}

}  // namespace pilum::encoding
