#include "pilum/lineage.h"

#include <cstdint>
#include <optional>
#include <utility>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include "bindings.h"
#include "errors.h"
#include "gil.h"
#include "row_keys.h"

namespace pilum::python {
namespace {

std::pair<uint64_t, uint64_t> ToPair(const RowDigest& digest) { return {digest.rows, digest.sum}; }

}  // namespace

void BindLineage(nb::module_& module) {
  nb::class_<EpochOrder>(module, "EpochOrder")
      .def_static(
          "make",
          [](const EpochRows& rows, const EpochOptions& options) {
            return ValueOrRaise(EpochOrder::Make(rows, options));
          },
          nb::arg("rows"), nb::arg("options"))
      .def("__len__", &EpochOrder::num_samples)
      .def(
          "row_ids",
          [](const EpochOrder& self, uint64_t first, uint64_t count) {
            return ValueOrRaise(Interruptibly([&] { return self.RowIds(first, count); }));
          },
          nb::arg("first"), nb::arg("count"))
      .def(
          "sample_of",
          [](const EpochOrder& self, uint64_t row_id) {
            return ValueOrRaise(Interruptibly([&] { return self.SampleOf(row_id); }));
          },
          nb::arg("row_id"))
      .def(
          "digest",
          [](const EpochOrder& self, uint64_t first, uint64_t count) {
            return ToPair(ValueOrRaise(Interruptibly([&] { return self.Digest(first, count); })));
          },
          nb::arg("first"), nb::arg("count"));
  module.def(
      "row_digest",
      [](nb::handle row_ids) {
        RowDigest digest;
        digest.Add(ToRowKeys(row_ids));
        return ToPair(digest);
      },
      nb::arg("row_ids"));
  module.def(
      "row_digests",
      [](nb::handle row_ids, size_t size) {
        const std::vector<uint64_t> ids = ToRowKeys(row_ids);
        std::vector<std::pair<uint64_t, uint64_t>> digests;
        for (size_t first = 0; first < ids.size(); first += size) {
          RowDigest digest;
          digest.Add(std::span(ids).subspan(first, std::min(size, ids.size() - first)));
          digests.push_back(ToPair(digest));
        }
        return digests;
      },
      nb::arg("row_ids"), nb::arg("size"));
}

}  // namespace pilum::python
