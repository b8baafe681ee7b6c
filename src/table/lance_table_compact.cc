// Tidying a table up: fragments are joined, old versions removed.
#include <algorithm>
#include <utility>

#include "dataset/cleanup.h"
#include "dataset/moved_rows.h"
#include "pilum/error.h"
#include "table/lance_table.h"
#include "write/fragment_writer.h"

namespace pilum::table {

using arrow::Result;
using arrow::Status;

namespace {

constexpr double kMostDeleted = 0.1;

bool IsFull(const dataset::Fragment& fragment, uint64_t target_rows) {
  const auto deleted = static_cast<double>(fragment.physical_rows - fragment.live_rows());
  return fragment.live_rows() >= target_rows &&
         deleted <= kMostDeleted * static_cast<double>(fragment.physical_rows);
}

/// Neighbours to be joined, in groups of about `target_rows` rows.
std::vector<dataset::Rewrite::Group> GroupFragments(const dataset::FragmentList& fragments,
                                                    uint64_t target_rows) {
  std::vector<dataset::Rewrite::Group> groups;
  dataset::Rewrite::Group group;
  uint64_t rows = 0;
  const auto end_group = [&] {
    const bool deleted = std::any_of(group.before.begin(), group.before.end(),
                                     [](const auto& f) { return f.deletion_file.has_value(); });
    if (group.before.size() > 1 || (deleted && rows >= target_rows)) groups.push_back(group);
    group.before.clear();
    rows = 0;
  };
  for (const dataset::Fragment& fragment : fragments) {
    if (IsFull(fragment, target_rows)) {
      end_group();
      continue;
    }
    group.before.push_back(fragment);
    rows += fragment.live_rows();
    if (rows >= target_rows) end_group();
  }
  end_group();
  return groups;
}

/// The offsets of the rows of a fragment that are not deleted.
std::vector<uint32_t> LiveOffsets(const dataset::Fragment& fragment,
                                  const dataset::DeletionVector& deletions) {
  std::vector<uint32_t> offsets;
  offsets.reserve(fragment.live_rows());
  auto deleted = deletions.offsets().begin();
  for (uint32_t offset = 0; offset < fragment.physical_rows; ++offset) {
    if (deleted != deletions.offsets().end() && *deleted == offset)
      ++deleted;
    else
      offsets.push_back(offset);
  }
  return offsets;
}

/// Gives the new fragments of a group the ids of the rows of its old ones.
Status KeepRowIds(const scan::DatasetReader& reader, dataset::Rewrite::Group* group) {
  dataset::MovedRows moved;
  for (const auto& fragment : group->before) {
    const auto index = reader.FragmentWithId(static_cast<uint32_t>(fragment.id));
    if (!index) return Status::Invalid("there is no fragment ", fragment.id);
    ARROW_ASSIGN_OR_RAISE(auto ids, reader.RowIds(*index));
    ARROW_ASSIGN_OR_RAISE(auto deletions, reader.Deletions(*index));
    ARROW_RETURN_NOT_OK(moved.Add(fragment, *ids, LiveOffsets(fragment, *deletions)));
  }
  moved.Name(&group->after);
  return Status::OK();
}

ScanOptions ScanOf(const dataset::Rewrite::Group& group) {
  ScanOptions options;
  options.fragments.emplace();
  for (const auto& fragment : group.before) options.fragments->push_back(fragment.id);
  return options;
}

}  // namespace

Result<CompactionStats> LanceTable::Compact(uint64_t target_rows) {
  if (target_rows == 0)
    return MakeError(ErrorKind::kInvalidArgument, "fragments have at least one row");
  ARROW_ASSIGN_OR_RAISE(auto latest, OpenForWriting());
  const dataset::Manifest& manifest = latest->reader()->manifest();
  dataset::Rewrite rewrite{GroupFragments(manifest.fragments, target_rows)};
  CompactionStats stats;
  if (rewrite.groups.empty()) return stats;
  for (auto& group : rewrite.groups) {
    ARROW_ASSIGN_OR_RAISE(auto rows, latest->Scan(ScanOf(group)));
    ARROW_ASSIGN_OR_RAISE(group.after,
                          write::WriteFragments(store_, manifest.schema, manifest.file_version,
                                                {.max_rows_per_file = target_rows}, rows.get()));
    if (manifest.stable_row_ids) ARROW_RETURN_NOT_OK(KeepRowIds(*latest->reader(), &group));
    stats.fragments_removed += group.before.size();
    stats.fragments_added += group.after.size();
  }
  ARROW_ASSIGN_OR_RAISE(
      auto reserved, Commit(manifest.version, dataset::ReserveFragments{
                                                  static_cast<uint32_t>(stats.fragments_added)}));
  uint64_t id =
      reserved->reader()->manifest().max_fragment_id.value_or(0) + 1 - stats.fragments_added;
  for (auto& group : rewrite.groups) {
    for (auto& fragment : group.after) fragment.id = id++;
  }
  // What is rewritten was read from that version, so others are compared with it.
  ARROW_RETURN_NOT_OK(Commit(manifest.version, std::move(rewrite)).status());
  return stats;
}

Result<CleanupStats> LanceTable::Cleanup(std::chrono::seconds older_than, bool delete_unverified) {
  dataset::CleanupOptions options{.older_than = older_than};
  if (delete_unverified) options.unreferenced_older_than = std::chrono::seconds(0);
  ARROW_ASSIGN_OR_RAISE(auto done, dataset::Cleanup(*main_store_, *store_, branch_, options));
  return CleanupStats{done.versions, done.files, done.bytes};
}

}  // namespace pilum::table
