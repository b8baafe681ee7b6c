// Fetch: many byte ranges of many objects, read together.
//
//   Add(object, range) ─► id      collect what a plan needs
//   Run() / Start(done)           merge neighbours by the object's ReadPolicy, read in parallel
//   bytes(id)                     a view into the buffer of the merged read
//
// Nearby ranges share one read and small reads share one buffer, so a range is never copied; what the
// object has in memory is not read at all. What has a place elsewhere is read there, if it is read
// alone. The Fetch owns the buffers (taken from the recycling pool) and the objects, and must outlive
// the views. One owner; not thread-safe while collecting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include "bytes/byte_range.h"
#include "io/read_job.h"
#include "pilum/storage.h"

namespace pilum::io {

using bytes::ByteRange;

class Fetch {
 public:
  using Id = uint32_t;

  Fetch();
  ~Fetch();
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  /// Asks for a range; it may overlap others. A range outside the object is reported by Run as
  /// kCorruptData before anything is allocated. Empty ranges are allowed.
  ///
  /// The last bytes of the range may be read to `place`, which must outlive the run: then `bytes` has
  /// only those before.
  Id Add(const std::shared_ptr<ReadableObject>& object, ByteRange range,
         std::span<std::byte> place = {});

  bool empty() const { return requests_.empty(); }
  /// About how many bytes a run reads: the lengths asked for, and what lies between neighbours that
  /// come one after the other. The largest number when it is larger than that.
  uint64_t read_bytes() const { return read_bytes_; }

  /// Reads everything; the calling thread helps. Priority as in Executor::Submit.
  arrow::Status Run(int64_t priority = 0);

  /// The same without waiting: the calling thread reads what takes none, as from the page cache, and
  /// I/O threads the rest. True if there is no rest. Otherwise `done`, which must not throw, is called
  /// exactly once, on an I/O thread, and the Fetch must stay alive until then.
  arrow::Result<bool> Start(int64_t priority, std::function<void(arrow::Status)> done);

  /// What a run has read, or is about to: not what objects have in memory.
  struct Volume {
    uint64_t reads = 0;
    uint64_t bytes = 0;
    uint64_t wanted_bytes = 0;  ///< of these; overlapping ranges count more than once
  };
  const Volume& volume() const { return volume_; }

  /// The bytes of a range, after a successful run.
  std::span<const std::byte> bytes(Id id) const {
    const Request& request = requests_[id];
    const size_t in_place = request.in_place ? places_[id].size() : 0;
    return {request.data, static_cast<size_t>(request.range.length) - in_place};
  }

 private:
  struct Request {
    uint32_t object;
    bool in_place;  ///< the last bytes are, and `data` has those before
    ByteRange range;
    const std::byte* data;
  };
  struct Wanted;
  struct Extent;

  std::span<std::byte> PlaceOf(Id id) const {
    return id < places_.size() ? places_[id] : std::span<std::byte>();
  }
  uint32_t IndexOf(const std::shared_ptr<ReadableObject>& object);
  arrow::Result<std::vector<Wanted>> SortRequests();
  std::vector<Extent> MergeNeighbours(const std::vector<Wanted>& wanted) const;
  void UsePlaces(const std::vector<Wanted>& wanted, std::vector<Extent>* extents);
  arrow::Status AllocateBuffers(std::vector<Extent>* extents);
  arrow::Result<std::vector<Read>> Plan();

  std::vector<std::shared_ptr<ReadableObject>> objects_;
  std::unordered_map<const ReadableObject*, uint32_t> object_indexes_;
  std::vector<Request> requests_;
  std::vector<std::span<std::byte>> places_;  // by id, up to the last one that has a place
  std::vector<std::shared_ptr<arrow::Buffer>> buffers_;
  uint64_t read_bytes_ = 0;
  Volume volume_;
  uint64_t max_gap_ = 0;  // of the object asked for last
};

}  // namespace pilum::io
