#include "pilum/table.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
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

std::unique_ptr<PinnedSnapshot> Pin(arrow::Result<std::shared_ptr<const Snapshot>> snapshot) {
  return std::make_unique<PinnedSnapshot>(ValueOrRaise(std::move(snapshot)));
}

std::shared_ptr<const PreparedScan> Prepare(const PinnedSnapshot& self, nb::handle columns,
                                            std::vector<std::string> filter,
                                            std::optional<uint64_t> limit, uint64_t offset,
                                            int64_t batch_size, bool with_row_id,
                                            bool with_row_address,
                                            std::optional<std::vector<uint64_t>> fragments) {
  ScanOptions options{.columns = ToColumns(columns, with_row_id, with_row_address),
                      .filter = std::move(filter),
                      .limit = limit,
                      .offset = offset,
                      .batch_size = batch_size,
                      .fragments = std::move(fragments)};
  return ValueOrRaise(WithoutGil([&] { return self->Prepare(options); }));
}

nb::object Take(const PinnedSnapshot& self, nb::handle rows, RowKey key, nb::handle columns,
                bool with_row_id, bool with_row_address) {
  std::vector<uint64_t> keys = ToRowKeys(rows);
  Columns wanted = ToColumns(columns, with_row_id, with_row_address);
  auto batch = ValueOrRaise(Interruptibly([&] { return self->Take(keys, key, wanted); }));
  return self.ToPython(*batch);
}

/// Calls `progress` (done, total) as the verification goes on.
VerifyReport Verify(const PinnedSnapshot& self, nb::handle progress) {
  Interlude calls;
  VerifyProgress report;
  if (!progress.is_none()) {
    report = [&](uint64_t done, uint64_t total) {
      return calls.Run([&] { progress(done, total); });
    };
  }
  auto result = Interruptibly([&] { return self->Verify(report); });
  calls.Rethrow();
  return ValueOrRaise(std::move(result));
}

/// The version afterwards, and how many rows were changed.
std::pair<std::unique_ptr<PinnedSnapshot>, uint64_t> Changed(arrow::Result<RowChange> change) {
  RowChange done = ValueOrRaise(std::move(change));
  return {Pin(std::move(done.snapshot)), done.rows};
}

void BindValues(nb::module_& module) {
  nb::class_<WriteOptions>(module, "WriteOptions")
      .def(
          "__init__",
          [](WriteOptions* self, std::string storage_version, bool stable_row_ids,
             uint64_t max_rows_per_file, uint64_t max_bytes_per_file, uint64_t page_bytes) {
            new (self) WriteOptions{std::move(storage_version), stable_row_ids, max_rows_per_file,
                                    max_bytes_per_file, page_bytes};
          },
          nb::kw_only(), nb::arg("storage_version") = "", nb::arg("stable_row_ids") = false,
          nb::arg("max_rows_per_file") = WriteOptions().max_rows_per_file,
          nb::arg("max_bytes_per_file") = WriteOptions().max_bytes_per_file,
          nb::arg("page_bytes") = WriteOptions().page_bytes);
  nb::class_<CompactionStats>(module, "CompactionStats")
      .def_ro("fragments_removed", &CompactionStats::fragments_removed)
      .def_ro("fragments_added", &CompactionStats::fragments_added);
  nb::class_<CleanupStats>(module, "CleanupStats")
      .def_ro("versions", &CleanupStats::versions)
      .def_ro("files", &CleanupStats::files)
      .def_ro("bytes", &CleanupStats::bytes);
  nb::class_<FragmentInfo>(module, "FragmentInfo")
      .def_ro("id", &FragmentInfo::id)
      .def_ro("physical_rows", &FragmentInfo::physical_rows)
      .def_ro("live_rows", &FragmentInfo::live_rows)
      .def_ro("files", &FragmentInfo::files);
  nb::class_<VersionInfo>(module, "VersionInfo")
      .def_ro("version", &VersionInfo::version)
      .def_ro("timestamp_us", &VersionInfo::timestamp_us);
  nb::class_<TagInfo>(module, "TagInfo")
      .def_ro("name", &TagInfo::name)
      .def_ro("branch", &TagInfo::branch)
      .def_ro("version", &TagInfo::version);
  nb::enum_<RowKey>(module, "RowKey")
      .value("OFFSET", RowKey::kOffset)
      .value("ROW_ID", RowKey::kRowId)
      .value("ROW_ADDRESS", RowKey::kRowAddress);
}

void BindSnapshot(nb::module_& module) {
  nb::class_<PinnedSnapshot>(module, "Snapshot")
      .def_prop_ro("schema", &PinnedSnapshot::schema)
      .def_prop_ro("version", [](const PinnedSnapshot& self) { return self->version(); })
      .def_prop_ro("storage_version",
                   [](const PinnedSnapshot& self) { return self->storage_version(); })
      .def("fragments", [](const PinnedSnapshot& self) { return self->fragments(); })
      .def("prepare", &Prepare, nb::kw_only(), nb::arg("columns").none() = nb::none(),
           nb::arg("filter") = std::vector<std::string>(), nb::arg("limit") = nb::none(),
           nb::arg("offset") = 0, nb::arg("batch_size") = 0, nb::arg("with_row_id") = false,
           nb::arg("with_row_address") = false, nb::arg("fragments") = nb::none())
      .def(
          "count_rows",
          [](const PinnedSnapshot& self, std::vector<std::string> filter) {
            return ValueOrRaise(
                Interruptibly([&] { return self->CountRows({.filter = std::move(filter)}); }));
          },
          nb::arg("filter") = std::vector<std::string>())
      .def("take", &Take, nb::arg("rows").none(), nb::arg("key") = RowKey::kOffset,
           nb::arg("columns").none() = nb::none(), nb::arg("with_row_id") = false,
           nb::arg("with_row_address") = false)
      .def("inspect",
           [](const PinnedSnapshot& self) {
             return ValueOrRaise(Interruptibly([&] { return self->Inspect(); }));
           })
      .def("verify", &Verify, nb::arg("progress").none() = nb::none());
}

}  // namespace

void BindTable(nb::module_& module) {
  BindValues(module);
  BindSnapshot(module);
  module.def("check_rows", [](nb::handle rows) { ToRowKeys(rows); }, nb::arg("rows").none());
  nb::class_<Table>(module, "Table")
      .def_prop_ro("name", &Table::name)
      .def_prop_ro("uri", &Table::uri)
      .def("latest", [](Table& self) { return Pin(Interruptibly([&] { return self.Latest(); })); })
      .def(
          "open_version",
          [](Table& self, uint64_t version) {
            return Pin(Interruptibly([&] { return self.OpenVersion(version); }));
          },
          nb::arg("version"))
      .def(
          "open_branch",
          [](Table& self, const std::string& branch) {
            return ValueOrRaise(Interruptibly([&] { return self.OpenBranch(branch); }));
          },
          nb::arg("branch"))
      .def(
          "append",
          [](Table& self, nb::handle rows, const WriteOptions& options) {
            auto stream = StreamFromPython(rows);
            return Pin(Interruptibly([&] { return self.Append(stream.get(), options); }));
          },
          nb::arg("rows"), nb::arg("options"))
      .def(
          "overwrite",
          [](Table& self, nb::handle rows, const WriteOptions& options) {
            auto stream = StreamFromPython(rows);
            return Pin(Interruptibly([&] { return self.Overwrite(stream.get(), options); }));
          },
          nb::arg("rows"), nb::arg("options"))
      .def(
          "delete",
          [](Table& self, const std::string& condition) {
            return Changed(Interruptibly([&] { return self.Delete(condition); }));
          },
          nb::arg("condition"))
      .def(
          "update",
          [](Table& self, const std::vector<std::pair<std::string, std::string>>& assignments,
             const std::optional<std::string>& condition) {
            return Changed(Interruptibly([&] { return self.Update(assignments, condition); }));
          },
          nb::arg("assignments"), nb::arg("condition").none() = nb::none())
      .def(
          "restore",
          [](Table& self, uint64_t version) {
            return Pin(Interruptibly([&] { return self.Restore(version); }));
          },
          nb::arg("version"))
      .def(
          "compact",
          [](Table& self, uint64_t target_rows) {
            return ValueOrRaise(Interruptibly([&] { return self.Compact(target_rows); }));
          },
          nb::arg("target_rows"))
      .def(
          "cleanup",
          [](Table& self, int64_t older_than_seconds, bool delete_unverified) {
            return ValueOrRaise(Interruptibly([&] {
              return self.Cleanup(std::chrono::seconds(older_than_seconds), delete_unverified);
            }));
          },
          nb::arg("older_than_seconds"), nb::arg("delete_unverified"))
      .def(
          "create_tag",
          [](Table& self, const std::string& tag, uint64_t version) {
            Check(Interruptibly([&] { return self.CreateTag(tag, version); }));
          },
          nb::arg("tag"), nb::arg("version"))
      .def(
          "update_tag",
          [](Table& self, const std::string& tag, uint64_t version) {
            Check(Interruptibly([&] { return self.UpdateTag(tag, version); }));
          },
          nb::arg("tag"), nb::arg("version"))
      .def(
          "delete_tag",
          [](Table& self, const std::string& tag) {
            Check(Interruptibly([&] { return self.DeleteTag(tag); }));
          },
          nb::arg("tag"))
      .def("versions",
           [](Table& self) { return ValueOrRaise(Interruptibly([&] { return self.Versions(); })); })
      .def("tags",
           [](Table& self) { return ValueOrRaise(Interruptibly([&] { return self.Tags(); })); })
      .def("branches", [](Table& self) {
        return ValueOrRaise(Interruptibly([&] { return self.Branches(); }));
      });
}

}  // namespace pilum::python
