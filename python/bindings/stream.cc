#include "pilum/stream.h"

#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "pinned_snapshot.h"
#include "scan.h"

namespace pilum::python {
namespace {

/// Samples and places of each split.
using Progress = std::pair<std::vector<uint64_t>, std::vector<uint64_t>>;

/// An iterator over an EpochStream that knows how far it is.
class EpochIterator : public StreamIterator {
 public:
  EpochIterator(std::shared_ptr<EpochStream> stream, std::shared_ptr<const ReadCounters> read)
      : StreamIterator(stream),
        epoch_(OwnedByThisProcess(std::move(stream))),
        read_(std::move(read)) {}
  ~EpochIterator() { CloseEpoch(); }

  const ReadCounters& read() const { return *read_; }

  /// Also at the end, until it is closed.
  Progress ProgressWithout(uint64_t unused) {
    CheckProcess();
    auto progress = WithoutGil([&]() -> std::optional<EpochProgress> {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!epoch_) return std::nullopt;
      return epoch_->progress(unused);
    });
    if (!progress) throw std::runtime_error("the stream is closed");
    return {std::move(progress->samples), std::move(progress->places)};
  }

  void CloseEpoch() {
    Close();
    if (!InItsProcess()) return;
    WithoutGil([&] {
      std::unique_lock<std::mutex> lock(mutex_);
      const auto closed = std::exchange(epoch_, nullptr);
      lock.unlock();
    });
  }

 private:
  std::shared_ptr<EpochStream> epoch_;  // the stream of the base class, which lets go at the end
  const std::shared_ptr<const ReadCounters> read_;
};

/// The batches of a SplitStream, with the split and place of each.
class SplitIterator : public StreamIterator {
 public:
  SplitIterator(const std::shared_ptr<SplitStream>& stream,
                std::shared_ptr<const ReadCounters> read)
      : StreamIterator(stream), splits_(stream), read_(std::move(read)) {}

  const ReadCounters& read() const { return *read_; }

  nb::tuple NextBlock() {
    uint64_t split = 0;
    uint64_t place = 0;
    const auto batch = ReadNext([&] {
      const auto stream = splits_.lock();  // which the base class owns
      split = stream->split();
      place = stream->place();
    });
    if (!batch) throw nb::stop_iteration();
    return nb::make_tuple(split, place, BatchToPython(*batch, schema()));
  }

 private:
  const std::weak_ptr<SplitStream> splits_;
  const std::shared_ptr<const ReadCounters> read_;
};

template <typename Class>
void BindCounters(Class& bound) {
  using Iterator = typename Class::Type;
  const auto add = [&](const char* name, auto counter) {
    bound.def_prop_ro(name,
                      [counter](const Iterator& self) { return (self.read().*counter).load(); });
  };
  add("rows_requested", &ReadCounters::rows_requested);
  add("rows_read", &ReadCounters::rows_read);
  add("bytes_read", &ReadCounters::bytes_read);
  add("read_ns", &ReadCounters::read_ns);
}

/// The arguments of open_epoch and open_splits, in their order.
EpochOptions ToOptions(nb::handle columns, bool with_row_id, std::optional<ShuffleOptions> shuffle,
                       uint64_t num_splits, uint64_t rank, uint64_t world_size, int64_t batch_size,
                       uint64_t readahead_bytes, uint64_t readahead_rows) {
  return {.columns = ToColumns(columns, with_row_id, false),
          .shuffle = shuffle,
          .num_splits = num_splits,
          .reader = {.rank = rank, .world_size = world_size},
          .batch_size = batch_size,
          .whole_batches = false,
          .readahead_bytes = readahead_bytes,
          .readahead_rows = readahead_rows};
}

std::optional<EpochProgress> ToProgress(std::optional<Progress> start) {
  if (!start) return std::nullopt;
  return EpochProgress{std::move(start->first), std::move(start->second)};
}

template <auto Open, typename Iterator>
void BindOpen(nb::module_& module, const char* name) {
  module.def(
      name,
      [](const EpochRows& rows, nb::handle columns, bool with_row_id,
         std::optional<ShuffleOptions> shuffle, uint64_t num_splits, uint64_t rank,
         uint64_t world_size, int64_t batch_size, uint64_t readahead_bytes, uint64_t readahead_rows,
         std::optional<Progress> start) {
        const EpochOptions options =
            ToOptions(columns, with_row_id, shuffle, num_splits, rank, world_size, batch_size,
                      readahead_bytes, readahead_rows);
        const auto from = ToProgress(std::move(start));
        return std::make_unique<Iterator>(
            ValueOrRaise(Interruptibly([&] { return Open(rows, options, from); })),
            options.counters);
      },
      nb::arg("rows"), nb::kw_only(), nb::arg("columns").none(), nb::arg("with_row_id"),
      nb::arg("shuffle").none(), nb::arg("num_splits"), nb::arg("rank"), nb::arg("world_size"),
      nb::arg("batch_size"), nb::arg("readahead_bytes"), nb::arg("readahead_rows"),
      nb::arg("start").none());
}

}  // namespace

void BindStream(nb::module_& module) {
  nb::class_<EpochRows>(module, "EpochRows")
      .def_static(
          "find",
          [](const PinnedSnapshot& snapshot, const std::vector<std::string>& filter) {
            return ValueOrRaise(
                Interruptibly([&] { return EpochRows::Find(snapshot.shared(), filter); }));
          },
          nb::arg("snapshot"), nb::arg("filter"))
      .def("__len__", &EpochRows::size);
  nb::class_<EpochIterator> epoch(module, "EpochStream");
  epoch.def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &EpochIterator::Next)
      .def("progress", &EpochIterator::ProgressWithout, nb::arg("unused") = 0)
      .def("close", &EpochIterator::CloseEpoch);
  BindCounters(epoch);
  BindOpen<&OpenEpoch, EpochIterator>(module, "open_epoch");
  nb::class_<SplitIterator> splits(module, "SplitStream");
  splits.def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &SplitIterator::NextBlock)
      .def("close", &SplitIterator::Close);
  BindCounters(splits);
  BindOpen<&OpenSplits, SplitIterator>(module, "open_splits");
}

}  // namespace pilum::python
