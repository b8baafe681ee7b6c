// Support of the tests of commits: fragments without data files behind them, and a table of them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dataset/commit.h"
#include "dataset/deletion_write.h"
#include "dataset/fragment_rows.h"
#include "dataset/test_manifest.h"

namespace pilum::dataset {

/// Fields "a" (id 0) and "b" (id 1) of type int32.
inline Schema TestSchema() {
  lance::table::Manifest manifest = SmallManifest();
  auto* field = manifest.add_fields();
  *field = manifest.fields(0);
  field->set_name("b");
  field->set_id(1);
  return MakeSchema(manifest).ValueOrDie();
}

inline Fragment NewFragment(const std::string& path, uint64_t rows) {
  Fragment fragment;
  fragment.physical_rows = rows;
  fragment.files.push_back({.path = path, .fields = {0, 1}, .column_indices = {0, 1}});
  return fragment;
}

inline arrow::Result<std::shared_ptr<const Manifest>> CommitTo(ObjectStore& store,
                                                               uint64_t read_version,
                                                               Operation operation) {
  ARROW_ASSIGN_OR_RAISE(auto committed,
                        Commit(store, {read_version, MakeUuid(), std::move(operation)}));
  return std::move(committed.manifest);
}

/// A table of one fragment of 10 rows.
inline std::shared_ptr<const Manifest> CreateTable(ObjectStore& store, bool stable = false) {
  Overwrite create{.schema = TestSchema(), .fragments = {NewFragment("x.lance", 10)}};
  create.stable_row_ids = stable;
  return CommitTo(store, 0, std::move(create)).ValueOrDie();
}

/// Deletes rows, earlier deletions of `manifest` included, of one fragment.
inline Delete DeleteRows(ObjectStore& store, const Manifest& manifest, size_t fragment,
                         std::vector<uint32_t> offsets) {
  Fragment changed = manifest.fragments[fragment];
  changed.deletion_file =
      WriteDeletionFile(store, changed.id, manifest.version, offsets).ValueOrDie();
  return {.updated = {std::move(changed)}, .removed = {}, .predicate = "a test"};
}

inline std::vector<uint32_t> DeletedOf(ObjectStore& store, const Fragment& fragment) {
  auto read = ReadDeletionVector(store, fragment).ValueOrDie();
  return {read->offsets().begin(), read->offsets().end()};
}

}  // namespace pilum::dataset
