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
        num_samples_(stream->num_samples()),
        surplus_(stream->surplus()),
        epoch_(OwnedByThisProcess(std::move(stream))),
        read_(std::move(read)) {}
  ~EpochIterator() { CloseEpoch(); }

  const ReadCounters& read() const { return *read_; }
  uint64_t num_samples() const { return num_samples_; }
  uint64_t surplus() const { return surplus_; }

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
  const uint64_t num_samples_;
  const uint64_t surplus_;
  std::shared_ptr<EpochStream> epoch_;  // the stream of the base class, which lets go at the end
  const std::shared_ptr<const ReadCounters> read_;
};

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
  nb::class_<EpochIterator>(module, "EpochStream")
      .def_prop_ro("num_samples", &EpochIterator::num_samples)
      .def_prop_ro("surplus", &EpochIterator::surplus)
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &EpochIterator::Next)
      .def("progress", &EpochIterator::ProgressWithout, nb::arg("unused") = 0)
      .def("close", &EpochIterator::CloseEpoch)
      .def_prop_ro("rows_requested",
                   [](const EpochIterator& self) { return self.read().rows_requested.load(); })
      .def_prop_ro("rows_read",
                   [](const EpochIterator& self) { return self.read().rows_read.load(); })
      .def_prop_ro("bytes_read",
                   [](const EpochIterator& self) { return self.read().bytes_read.load(); })
      .def_prop_ro("read_ns", [](const EpochIterator& self) { return self.read().read_ns.load(); });
  module.def(
      "open_epoch",
      [](const EpochRows& rows, nb::handle columns, bool with_row_id,
         std::optional<ShuffleOptions> shuffle, uint64_t num_splits, uint64_t rank,
         uint64_t world_size, int64_t batch_size, bool whole_batches, uint64_t readahead_bytes,
         uint64_t readahead_rows, std::optional<Progress> start) {
        const EpochOptions options{.columns = ToColumns(columns, with_row_id, false),
                                   .shuffle = shuffle,
                                   .num_splits = num_splits,
                                   .reader = {.rank = rank, .world_size = world_size},
                                   .batch_size = batch_size,
                                   .whole_batches = whole_batches,
                                   .readahead_bytes = readahead_bytes,
                                   .readahead_rows = readahead_rows};
        std::optional<EpochProgress> from;
        if (start) from = {std::move(start->first), std::move(start->second)};
        return std::make_unique<EpochIterator>(
            ValueOrRaise(Interruptibly([&] { return OpenEpoch(rows, options, from); })),
            options.counters);
      },
      nb::arg("rows"), nb::kw_only(), nb::arg("columns").none(), nb::arg("with_row_id"),
      nb::arg("shuffle").none(), nb::arg("num_splits"), nb::arg("rank"), nb::arg("world_size"),
      nb::arg("batch_size"), nb::arg("whole_batches"), nb::arg("readahead_bytes"),
      nb::arg("readahead_rows"), nb::arg("start").none());
}

}  // namespace pilum::python
