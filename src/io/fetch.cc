#include "io/fetch.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "io/object_range.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "runtime/runtime.h"

namespace pilum::io {
namespace {

// Extents share a buffer up to this size: one allocation for thousands of small reads, and buffers
// that the recycling pool can hand out again.
constexpr uint64_t kBufferBytes = 8u << 20;
constexpr uint64_t kAlignment = 64;
constexpr uint64_t kMaxBuffer = uint64_t{1} << 62;
constexpr uint64_t kCacheLine = 64;

/// Values here and there in memory are wanted soon: of each the first lines, of which there is one or
/// two; of longer ranges the CPU itself fetches the rest.
void Prefetch(const std::byte* data, uint64_t length) {
  const uint64_t end = std::min(length, 4 * kCacheLine);
  for (uint64_t at = 0; at < end; at += kCacheLine) __builtin_prefetch(data + at);
  __builtin_prefetch(data + end - 1);
}

}  // namespace

/// A range that must be read and is not empty, in the order of reading.
struct Fetch::Wanted {
  uint64_t offset;
  uint64_t length;
  uint32_t object;
  Id id;
};

/// Wanted ranges next to each other, read as one.
struct Fetch::Extent {
  uint64_t offset;
  uint64_t length;
  uint32_t object;
  uint32_t end;                     ///< the first of the wanted ranges behind it
  std::span<std::byte> place = {};  ///< of its last bytes
  std::byte* data = nullptr;        ///< of the others

  uint64_t buffered() const { return length - place.size(); }
};

Fetch::Fetch() = default;
Fetch::~Fetch() = default;

Fetch::Id Fetch::Add(const std::shared_ptr<ReadableObject>& object, ByteRange range,
                     std::span<std::byte> place) {
  const uint32_t index = IndexOf(object);
  uint64_t gap = 0;
  if (!requests_.empty() && requests_.back().object == index) {
    const ByteRange& last = requests_.back().range;
    const uint64_t end = last.offset + last.length;
    const uint64_t distance = range.offset > end ? range.offset - end : 0;
    if (distance <= max_gap_) gap = distance;
  } else {
    max_gap_ = object->policy().max_gap;
  }
  if (!place.empty()) {
    places_.resize(requests_.size());
    places_.push_back(place);
  }
  requests_.push_back({index, false, range, nullptr});
  for (uint64_t bytes : {gap, range.length})
    read_bytes_ += std::min(bytes, std::numeric_limits<uint64_t>::max() - read_bytes_);
  return static_cast<Id>(requests_.size() - 1);
}

uint32_t Fetch::IndexOf(const std::shared_ptr<ReadableObject>& object) {
  // Ranges mostly come object by object.
  if (!requests_.empty() && objects_[requests_.back().object] == object) {
    return requests_.back().object;
  }
  auto [entry, is_new] =
      object_indexes_.try_emplace(object.get(), static_cast<uint32_t>(objects_.size()));
  if (is_new) objects_.push_back(object);
  return entry->second;
}

arrow::Result<std::vector<Fetch::Wanted>> Fetch::SortRequests() {
  std::vector<Wanted> wanted;
  wanted.reserve(requests_.size());
  for (Request& request : requests_) {
    auto [offset, length] = request.range;
    const ReadableObject& object = *objects_[request.object];
    ARROW_RETURN_NOT_OK(CheckRange(object, offset, length));
    if (length == 0) continue;
    request.in_place = false;
    request.data = object.Resident(offset, length);
    auto id = static_cast<Id>(&request - requests_.data());
    if (request.data == nullptr) {
      wanted.push_back({offset, length, request.object, id});
    } else {
      Prefetch(request.data, length);
    }
  }
  auto before = [](const Wanted& a, const Wanted& b) {
    return std::tie(a.object, a.offset) < std::tie(b.object, b.offset);
  };
  if (!std::is_sorted(wanted.begin(), wanted.end(), before)) {
    std::sort(wanted.begin(), wanted.end(), before);
  }
  return wanted;
}

std::vector<Fetch::Extent> Fetch::MergeNeighbours(const std::vector<Wanted>& wanted) const {
  std::vector<Extent> extents;
  uint64_t end = 0;  // of the last extent
  uint64_t max_gap = 0;
  for (const Wanted& want : wanted) {
    bool same_object = !extents.empty() && extents.back().object == want.object;
    if (!same_object) max_gap = objects_[want.object]->policy().max_gap;
    if (!same_object || (want.offset > end && want.offset - end > max_gap)) {
      extents.push_back({want.offset, 0, want.object, 0});
      end = want.offset;
    }
    end = std::max(end, want.offset + want.length);
    extents.back().length = end - extents.back().offset;
    extents.back().end = static_cast<uint32_t>(&want - wanted.data() + 1);
  }
  return extents;
}

/// Ranges that are read alone, and at once, are read to their places.
void Fetch::UsePlaces(const std::vector<Wanted>& wanted, std::vector<Extent>* extents) {
  if (places_.empty()) return;
  uint32_t first = 0;
  for (Extent& extent : *extents) {
    const bool alone = extent.end - first == 1;
    const Id id = wanted[std::exchange(first, extent.end)].id;
    const std::span<std::byte> place = PlaceOf(id);
    if (!alone || place.empty() || extent.length > objects_[extent.object]->policy().max_request)
      continue;
    extent.place = place;
    requests_[id].in_place = true;
  }
}

/// Gives every extent its memory: at the same distance from a multiple of 64 as in the object.
arrow::Status Fetch::AllocateBuffers(std::vector<Extent>* extents) {
  auto place_behind = [](uint64_t used, const Extent& extent) {
    return used + (extent.offset - used) % kAlignment;
  };
  for (size_t first = 0; first < extents->size();) {
    size_t last = first;
    uint64_t used = 0;
    for (; last < extents->size(); ++last) {
      const Extent& extent = (*extents)[last];
      uint64_t start = place_behind(used, extent);
      if (extent.length > kMaxBuffer) {
        return MakeError(ErrorKind::kCorruptData, "a range is larger than any memory",
                         {.path = objects_[extent.object]->name(), .offset = extent.offset});
      }
      if (last > first && start + extent.buffered() > kBufferBytes) break;
      used = start + extent.buffered();
    }
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> buffer,
                          arrow::AllocateBuffer(static_cast<int64_t>(used), GetMemoryPool()));
    auto* memory = reinterpret_cast<std::byte*>(buffer->mutable_data());
    buffers_.push_back(std::move(buffer));
    for (used = 0; first < last; ++first) {
      Extent& extent = (*extents)[first];
      uint64_t start = place_behind(used, extent);
      extent.data = memory + start;
      used = start + extent.buffered();
    }
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<Read>> Fetch::Plan() {
  buffers_.clear();
  volume_ = {};
  ARROW_ASSIGN_OR_RAISE(std::vector<Wanted> wanted, SortRequests());
  std::vector<Extent> extents = MergeNeighbours(wanted);
  UsePlaces(wanted, &extents);
  ARROW_RETURN_NOT_OK(AllocateBuffers(&extents));
  std::vector<Read> reads;
  reads.reserve(extents.size());
  auto want = wanted.begin();
  for (const Extent& extent : extents) {
    for (; want != wanted.begin() + extent.end; ++want) {
      requests_[want->id].data = extent.data + (want->offset - extent.offset);
    }
    const ReadableObject* object = objects_[extent.object].get();
    volume_.bytes += extent.length;
    if (!extent.place.empty()) {
      const std::span<std::byte> head(extent.data, static_cast<size_t>(extent.buffered()));
      reads.push_back({object, extent.offset, extent.place, head});
      continue;
    }
    uint64_t step = std::max<uint64_t>(object->policy().max_request, 1);
    for (uint64_t at = 0; at < extent.length; at += std::min(step, extent.length - at)) {
      uint64_t length = std::min(step, extent.length - at);
      reads.push_back(
          {object, extent.offset + at, {extent.data + at, static_cast<size_t>(length)}});
    }
  }
  volume_.reads = reads.size();
  for (const Wanted& range : wanted) volume_.wanted_bytes += range.length;
  return reads;
}

arrow::Status Fetch::Run(int64_t priority) {
  ARROW_ASSIGN_OR_RAISE(std::vector<Read> reads, Plan());
  return std::make_shared<ReadJob>(std::move(reads), priority)->RunAndWait();
}

arrow::Result<bool> Fetch::Start(int64_t priority, std::function<void(arrow::Status)> done) {
  ARROW_ASSIGN_OR_RAISE(std::vector<Read> reads, Plan());
  ReadNow(&reads);
  if (reads.empty()) return true;
  auto job = std::make_shared<ReadJob>(std::move(reads), priority);
  runtime::Runtime::Get().io().Submit(
      priority, [job, done = std::move(done)]() mutable { job->RunAndCall(std::move(done)); });
  return false;
}

}  // namespace pilum::io
