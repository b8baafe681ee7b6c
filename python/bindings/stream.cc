#include "pilum/stream.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "pilum/lineage.h"
#include "pinned_snapshot.h"
#include "rows_to_python.h"
#include "scan.h"

namespace pilum::python {
namespace {

/// Samples and places of each split.
using Progress = std::pair<std::vector<uint64_t>, std::vector<uint64_t>>;

/// Rows that were read together, to be delivered one by one.
class ReadRows {
 public:
  ReadRows(std::shared_ptr<arrow::RecordBatch> batch, bool deliver_row_ids)
      : batch_(std::move(batch)) {
    // The last of this name: a column of the table that is delivered may have it, too.
    const int column = batch_->schema()->GetAllFieldIndices("_rowid").back();
    row_ids_ = batch_->column(column);
    if (!deliver_row_ids) batch_ = ValueOrRaise(batch_->RemoveColumn(column));
  }

  int64_t size() const { return row_ids_->length(); }

  /// A RowIterator, which alone has the values from then on.
  nb::object TakeSamples() {
    if (!batch_) throw std::runtime_error("the rows were taken before");
    return MakeRowIterator(std::exchange(batch_, nullptr));
  }

  /// Of the first so many.
  std::pair<uint64_t, uint64_t> Digest(int64_t count) const {
    const auto size = static_cast<size_t>(std::clamp<int64_t>(count, 0, row_ids_->length()));
    RowDigest digest;
    digest.Add({row_ids_->data()->GetValues<uint64_t>(1), size});
    return {digest.rows, digest.sum};
  }

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;
  std::shared_ptr<arrow::Array> row_ids_;
};

class EpochIterator : public StreamIterator {
 public:
  EpochIterator(std::shared_ptr<BatchStream> stream, std::shared_ptr<const ReadCounters> counters)
      : StreamIterator(std::move(stream)), counters_(std::move(counters)) {}

  const ReadCounters& counters() const { return *counters_; }

  /// Nothing at the end.
  std::unique_ptr<ReadRows> NextRows(bool deliver_row_ids) {
    auto batch = ReadNext();
    return batch ? std::make_unique<ReadRows>(std::move(batch), deliver_row_ids) : nullptr;
  }

 private:
  const std::shared_ptr<const ReadCounters> counters_;
};

/// The batches of a SplitStream, with the split and place of each.
class SplitIterator : public EpochIterator {
 public:
  SplitIterator(const std::shared_ptr<SplitStream>& stream,
                std::shared_ptr<const ReadCounters> counters)
      : EpochIterator(stream, std::move(counters)), splits_(stream) {}

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
};

void BindCounters(nb::module_& module) {
  nb::class_<ReadCounters> bound(module, "ReadCounters");
  const auto add = [&](const char* name, auto counter) {
    bound.def_prop_ro(name, [counter](const ReadCounters& self) { return (self.*counter).load(); });
  };
  add("rows_requested", &ReadCounters::rows_requested);
  add("rows_read", &ReadCounters::rows_read);
  add("bytes_read", &ReadCounters::bytes_read);
  add("read_ns", &ReadCounters::read_ns);
  add("fetch_ns", &ReadCounters::fetch_ns);
  add("decode_ns", &ReadCounters::decode_ns);
  add("store_reads", &ReadCounters::store_reads);
  add("store_bytes", &ReadCounters::store_bytes);
  add("wanted_bytes", &ReadCounters::wanted_bytes);
  bound.def_prop_ro("busy_ns", [](const ReadCounters& self) { return self.reads.busy_ns(); });
  bound.def_prop_ro("histogram", [](const ReadCounters& self) {
    const BusyTime::Histogram counts = self.reads.histogram();
    return std::vector<uint64_t>(counts.begin(), counts.end());
  });
}

void BindOptions(nb::module_& module) {
  nb::class_<EpochOptions>(module, "EpochOptions")
      .def(
          "__init__",
          [](EpochOptions* self, nb::handle columns, bool with_row_id,
             std::optional<ShuffleOptions> shuffle, uint64_t num_splits, uint64_t rank,
             uint64_t world_size, int64_t batch_size, bool whole_batches, int64_t batches_at_once,
             std::pair<uint64_t, uint64_t> deal, uint64_t readahead_bytes,
             uint64_t readahead_rows) {
            new (self) EpochOptions{.columns = ToColumns(columns, with_row_id, false),
                                    .shuffle = shuffle,
                                    .num_splits = num_splits,
                                    .reader = {.rank = rank, .world_size = world_size},
                                    .batch_size = batch_size,
                                    .whole_batches = whole_batches,
                                    .batches_at_once = batches_at_once,
                                    .deal = {.index = deal.first, .count = deal.second},
                                    .readahead_bytes = readahead_bytes,
                                    .readahead_rows = readahead_rows};
          },
          nb::kw_only(), nb::arg("columns").none(), nb::arg("with_row_id"),
          nb::arg("shuffle").none(), nb::arg("num_splits"), nb::arg("rank"), nb::arg("world_size"),
          nb::arg("batch_size"), nb::arg("whole_batches"), nb::arg("batches_at_once"),
          nb::arg("deal"), nb::arg("readahead_bytes"), nb::arg("readahead_rows"));
}

template <auto Open, typename Iterator>
void BindOpen(nb::module_& module, const char* name) {
  module.def(
      name,
      [](const EpochRows& rows, EpochOptions options, std::optional<Progress> start) {
        options.counters = std::make_shared<ReadCounters>();  // the options may be used again
        std::optional<EpochProgress> from;
        if (start) from = {std::move(start->first), std::move(start->second)};
        return std::make_unique<Iterator>(
            ValueOrRaise(Interruptibly([&] { return Open(rows, options, from); })),
            options.counters);
      },
      nb::arg("rows"), nb::arg("options"), nb::arg("start").none());
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
  BindCounters(module);
  BindOptions(module);
  nb::class_<ReadRows>(module, "ReadRows")
      .def("__len__", &ReadRows::size)
      .def("samples", &ReadRows::TakeSamples)
      .def("digest", &ReadRows::Digest, nb::arg("count"));
  nb::class_<EpochIterator>(module, "EpochStream")
      .def_prop_ro("counters", &EpochIterator::counters, nb::rv_policy::reference_internal)
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &EpochIterator::Next)
      .def("next_rows", &EpochIterator::NextRows, nb::arg("deliver_row_ids"))
      .def("close", &EpochIterator::Close);
  BindOpen<&OpenEpoch, EpochIterator>(module, "open_epoch");
  nb::class_<SplitIterator>(module, "SplitStream")
      .def_prop_ro("counters", &SplitIterator::counters, nb::rv_policy::reference_internal)
      .def("__iter__", [](nb::handle self) { return nb::borrow(self); })
      .def("__next__", &SplitIterator::NextBlock)
      .def("close", &SplitIterator::Close);
  BindOpen<&OpenSplits, SplitIterator>(module, "open_splits");
}

}  // namespace pilum::python
