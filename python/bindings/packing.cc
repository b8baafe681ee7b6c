#include "pilum/packing.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "scan.h"

namespace pilum::python {
namespace {

/// Blocks, places and offsets of each split.
using Progress = std::tuple<std::vector<uint64_t>, std::vector<uint64_t>, std::vector<uint64_t>>;
/// Tokens, pad tokens and rows.
using Counts = std::tuple<uint64_t, uint64_t, uint64_t>;

/// As StreamIterator, but it can be asked how far it is, also at the end, until it is closed.
class PackedIterator : public StreamIterator {
 public:
  PackedIterator(std::shared_ptr<PackedStream> stream, std::shared_ptr<const ReadCounters> counters)
      : StreamIterator(stream),
        stream_(OwnedByThisProcess(std::move(stream))),
        counters_(std::move(counters)) {}
  ~PackedIterator() { CloseAll(); }

  const ReadCounters& counters() const { return *counters_; }

  /// What `question` says of the stream, which no other thread reads meanwhile.
  template <typename Question>
  auto Ask(const Question& question) {
    CheckProcess();
    using Answer = decltype(question(std::declval<const PackedStream&>()));
    std::optional<Answer> answer = WithoutGil([&]() -> std::optional<Answer> {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!stream_) return std::nullopt;
      return question(*stream_);
    });
    if (!answer) throw std::runtime_error("the stream is closed");
    return std::move(*answer);
  }

  void CloseAll() {
    Close();
    if (!InItsProcess()) return;
    WithoutGil([&] {
      std::unique_lock<std::mutex> lock(mutex_);
      const auto closed = std::exchange(stream_, nullptr);
      lock.unlock();
    });
  }

 private:
  std::shared_ptr<PackedStream> stream_;  // that of the base class, which lets go at the end
  const std::shared_ptr<const ReadCounters> counters_;
};

std::unique_ptr<PackedIterator> Open(const EpochRows& rows, EpochOptions options,
                                     const PackOptions& packing, std::optional<Progress> start) {
  options.counters = std::make_shared<ReadCounters>();  // the options may be used again
  std::optional<PackProgress> from;
  if (start) from = std::make_from_tuple<PackProgress>(std::move(*start));
  auto stream =
      ValueOrRaise(Interruptibly([&] { return OpenPacked(rows, options, packing, from); }));
  return std::make_unique<PackedIterator>(std::move(stream), options.counters);
}

}  // namespace

void BindPacking(nb::module_& module) {
  nb::class_<PackOptions>(module, "PackOptions")
      .def(
          "__init__",
          [](PackOptions* self, int64_t block_tokens, int64_t eos_id, int64_t pad_id,
             uint64_t blocks_per_split) {
            new (self) PackOptions{block_tokens, eos_id, pad_id, blocks_per_split};
          },
          nb::kw_only(), nb::arg("block_tokens"), nb::arg("eos_id"), nb::arg("pad_id"),
          nb::arg("blocks_per_split"));
  nb::class_<PackedIterator>(module, "PackedStream")
      .def_prop_ro("counters", &PackedIterator::counters, nb::rv_policy::reference_internal)
      .def_prop_ro("counts",
                   [](PackedIterator& self) -> Counts {
                     const auto [tokens, pad_tokens, rows] =
                         self.Ask([](const PackedStream& stream) { return stream.counts(); });
                     return {tokens, pad_tokens, rows};
                   })
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &PackedIterator::Next)
      .def(
          "progress",
          [](PackedIterator& self, uint64_t unused) -> Progress {
            PackProgress progress =
                self.Ask([&](const PackedStream& stream) { return stream.progress(unused); });
            return {std::move(progress.blocks), std::move(progress.places),
                    std::move(progress.offsets)};
          },
          nb::arg("unused") = 0)
      .def("close", &PackedIterator::CloseAll);
  module.def("open_packed", &Open, nb::arg("rows"), nb::arg("options"), nb::arg("packing"),
             nb::arg("start").none());
  module.def(
      "estimate_blocks_per_epoch",
      [](const EpochRows& rows, const EpochOptions& options, int64_t block_tokens) {
        return ValueOrRaise(
            Interruptibly([&] { return EstimateBlocksPerEpoch(rows, options, block_tokens); }));
      },
      nb::arg("rows"), nb::arg("options"), nb::arg("block_tokens"));
}

}  // namespace pilum::python
