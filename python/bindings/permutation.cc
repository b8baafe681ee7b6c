#include "pilum/permutation.h"

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "arrow_bridge.h"
#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "pinned_snapshot.h"
#include "row_keys.h"
#include "scan.h"

namespace pilum::python {
namespace {

/// Rows [first, first + count) of a sequence, so many times over.
struct Window {
  uint64_t first;
  uint64_t count;
  uint64_t repeats;
};

std::vector<uint64_t> ToPositions(nb::handle rows, const Window& window) {
  std::vector<uint64_t> positions = ToRowKeys(rows);
  const uint64_t rows_in_all = window.count * window.repeats;
  for (uint64_t& position : positions) {
    if (position >= rows_in_all)
      Raise(arrow::Status::IndexError("there is no row ", position, ": the permutation has ",
                                      rows_in_all, " rows"));
    position = window.first + position % window.count;
  }
  return positions;
}

void BindOptions(nb::module_& module) {
  nb::class_<EqualSplits>(module, "EqualSplits").def(nb::init<int64_t>(), nb::arg("count"));
  nb::class_<SplitCounts>(module, "SplitCounts")
      .def(nb::init<std::vector<int64_t>>(), nb::arg("counts"));
  nb::class_<SplitRatios>(module, "SplitRatios")
      .def(nb::init<std::vector<double>>(), nb::arg("ratios"));
  nb::class_<ShuffleOptions>(module, "ShuffleOptions")
      .def(nb::init<uint64_t, uint64_t, uint64_t>(), nb::arg("seed"), nb::arg("epoch"),
           nb::arg("clump_size"))
      .def_ro("seed", &ShuffleOptions::seed)
      .def_ro("epoch", &ShuffleOptions::epoch)
      .def_ro("clump_size", &ShuffleOptions::clump_size);
  nb::class_<SequentialSplits>(module, "SequentialSplits")
      .def(nb::init<SplitSizes>(), nb::arg("sizes"));
  nb::class_<RandomSplits>(module, "RandomSplits")
      .def(nb::init<SplitSizes, ShuffleOptions>(), nb::arg("sizes"), nb::arg("shuffle"));
  nb::class_<HashSplits>(module, "HashSplits")
      .def(nb::init<std::vector<std::string>, std::vector<int64_t>, int64_t>(), nb::arg("columns"),
           nb::arg("weights"), nb::arg("discard_weight"));
  nb::class_<CalculatedSplits>(module, "CalculatedSplits")
      .def(nb::init<std::string>(), nb::arg("expression"));
}

}  // namespace

void BindPermutation(nb::module_& module) {
  BindOptions(module);
  module.def(
      "build_permutation",
      [](const PinnedSnapshot& snapshot, std::optional<std::string> filter,
         std::variant<std::monostate, SequentialSplits, RandomSplits, HashSplits, CalculatedSplits>
             splits,
         std::vector<std::string> split_names, std::optional<ShuffleOptions> shuffle) {
        PermutationOptions options{.filter = std::move(filter),
                                   .splits = std::move(splits),
                                   .split_names = std::move(split_names),
                                   .shuffle = shuffle};
        return StreamToPython(
            ValueOrRaise(Interruptibly([&] { return BuildPermutation(*snapshot, options); })));
      },
      nb::arg("snapshot"), nb::kw_only(), nb::arg("filter").none(), nb::arg("splits").none(),
      nb::arg("split_names"), nb::arg("shuffle").none());
  nb::class_<RowSequence>(module, "RowSequence")
      .def_static(
          "stored", [](uint64_t rows) { return RowSequence(RowOrder::Stored(rows)); },
          nb::arg("rows"))
      .def_static(
          "shuffled",
          [](uint64_t rows, const ShuffleOptions& options) {
            return RowSequence(ValueOrRaise(RowOrder::Shuffled(rows, options)));
          },
          nb::arg("rows"), nb::arg("options"))
      .def_static(
          "load",
          [](const PinnedSnapshot& permutation, std::optional<uint64_t> split_id) {
            return ValueOrRaise(
                Interruptibly([&] { return RowSequence::Load(*permutation, split_id); }));
          },
          nb::arg("permutation"), nb::arg("split_id").none())
      .def("__len__", &RowSequence::size)
      .def(
          "take",
          [](const RowSequence& self, const PinnedSnapshot& snapshot, nb::handle rows,
             uint64_t first, uint64_t count, uint64_t repeats, nb::handle columns,
             nb::handle schema) {
            const auto positions = ToPositions(rows, {first, count, repeats});
            const Columns wanted = ToColumns(columns, false, false);
            auto batch = ValueOrRaise(
                Interruptibly([&] { return self.Take(*snapshot, positions, wanted); }));
            return BatchToPython(*batch, schema);
          },
          nb::arg("snapshot"), nb::arg("rows"), nb::kw_only(), nb::arg("first"), nb::arg("count"),
          nb::arg("repeats"), nb::arg("columns"), nb::arg("schema"));
}

}  // namespace pilum::python
