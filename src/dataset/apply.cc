#include "dataset/apply.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "dataset/compatibility.h"
#include "dataset/index_section.h"
#include "dataset/row_ids_write.h"
#include "dataset/to_message.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using Fragments = google::protobuf::RepeatedPtrField<lance::table::DataFragment>;
using FragmentIds = std::unordered_set<uint64_t>;

constexpr uint64_t kMaxFragments = uint64_t{1} << 32;

/// The next id that no fragment ever had.
uint64_t NextFragmentId(const lance::table::Manifest& manifest) {
  uint64_t next = manifest.has_max_fragment_id() ? uint64_t{manifest.max_fragment_id()} + 1 : 0;
  for (const auto& fragment : manifest.fragments()) next = std::max(next, fragment.id() + 1);
  return next;
}

/// Takes `count` fragment ids and returns the first.
arrow::Result<uint64_t> TakeFragmentIds(uint64_t count, lance::table::Manifest* manifest) {
  const uint64_t first = NextFragmentId(*manifest);
  if (first > kMaxFragments || count > kMaxFragments - first) {
    return MakeError(ErrorKind::kUnsupported,
                     "the table has used up its fragment ids, which have 32 bits; write its rows "
                     "to a new table");
  }
  if (first + count > 0) manifest->set_max_fragment_id(static_cast<uint32_t>(first + count - 1));
  return first;
}

std::string RowIdRange(uint64_t first, uint64_t count) {
  RowIdsWriter ids;
  ids.Append(first, count);
  return ids.Finish();
}

/// All rows are of one version.
std::string VersionRun(uint64_t version, uint64_t rows) {
  RowVersionsWriter versions;
  versions.Append(version, rows);
  return versions.Finish();
}

bool HasStableRowIds(const lance::table::Manifest& manifest) {
  return (manifest.reader_feature_flags() & kStableRowIds) != 0;
}

/// What a table with stable row ids says about the rows of a new fragment. Rows that were moved
/// bring their ids along.
arrow::Status NameRows(uint64_t version, lance::table::Manifest* manifest,
                       lance::table::DataFragment* fragment) {
  const uint64_t rows = fragment->physical_rows();
  if (fragment->inline_row_ids().empty()) {
    const uint64_t first = manifest->next_row_id();
    if (rows > std::numeric_limits<uint64_t>::max() - first) {
      return MakeError(ErrorKind::kUnsupported, "the table has used up its row ids");
    }
    fragment->set_inline_row_ids(RowIdRange(first, rows));
    manifest->set_next_row_id(first + rows);
  }
  if (fragment->inline_created_at_versions().empty()) {
    fragment->set_inline_created_at_versions(VersionRun(version, rows));
  }
  fragment->set_inline_last_updated_at_versions(VersionRun(version, rows));
  return arrow::Status::OK();
}

arrow::Status AddFragments(const std::vector<Fragment>& fragments, uint64_t version,
                           lance::table::Manifest* manifest) {
  if (fragments.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(uint64_t id, TakeFragmentIds(fragments.size(), manifest));
  for (const Fragment& fragment : fragments) {
    if (fragment.deletion_file) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "a new fragment has a deletion file, whose name would hold its id; delete "
                       "rows in a transaction after this one");
    }
    lance::table::DataFragment message = ToMessage(fragment);
    message.set_id(id++);
    if (HasStableRowIds(*manifest)) ARROW_RETURN_NOT_OK(NameRows(version, manifest, &message));
    *manifest->add_fragments() = std::move(message);
  }
  return arrow::Status::OK();
}

arrow::Status NoSuchFragment(uint64_t id) {
  return MakeError(
      ErrorKind::kInvalidArgument,
      "the transaction changes fragment " + std::to_string(id) + ", which the table does not have");
}

arrow::Status ReplaceFragments(const std::vector<Fragment>& fragments, Fragments* in) {
  std::unordered_map<uint64_t, lance::table::DataFragment*> by_id;
  for (auto& message : *in) by_id[message.id()] = &message;
  for (const Fragment& fragment : fragments) {
    auto found = by_id.find(fragment.id);
    if (found == by_id.end()) return NoSuchFragment(fragment.id);
    SetFragment(fragment, found->second);
  }
  return arrow::Status::OK();
}

arrow::Status CheckExist(const FragmentIds& ids, const Fragments& fragments) {
  FragmentIds missing = ids;
  for (const auto& message : fragments) missing.erase(message.id());
  return missing.empty() ? arrow::Status::OK() : NoSuchFragment(*missing.begin());
}

arrow::Status RemoveFragments(const FragmentIds& ids, Fragments* from) {
  ARROW_RETURN_NOT_OK(CheckExist(ids, *from));
  from->erase(std::remove_if(from->begin(), from->end(),
                             [&](const auto& message) { return ids.contains(message.id()); }),
              from->end());
  return arrow::Status::OK();
}

arrow::Status CheckGroups(const std::vector<Rewrite::Group>& groups, uint64_t next_fragment_id) {
  for (const Rewrite::Group& group : groups) {
    if (group.before.empty()) {
      return MakeError(ErrorKind::kInvalidArgument, "a group of rewritten fragments is empty");
    }
    for (const Fragment& fragment : group.after) {
      if (fragment.id < next_fragment_id) continue;
      return MakeError(ErrorKind::kInvalidArgument,
                       "fragment id " + std::to_string(fragment.id) +
                           " was not reserved; commit ReserveFragments first");
    }
  }
  return arrow::Status::OK();
}

FragmentIds IdsOf(const std::vector<Fragment>& fragments) {
  FragmentIds ids;
  for (const Fragment& fragment : fragments) ids.insert(fragment.id);
  return ids;
}

/// Fragments are listed by their ids, by which the reference library validates tables: rows that were
/// rewritten come after those of older fragments.
arrow::Status ReplaceGroups(const std::vector<Rewrite::Group>& groups, Fragments* fragments) {
  FragmentIds removed;
  for (const Rewrite::Group& group : groups) removed.merge(IdsOf(group.before));
  ARROW_RETURN_NOT_OK(RemoveFragments(removed, fragments));
  for (const Rewrite::Group& group : groups) {
    for (const Fragment& fragment : group.after) *fragments->Add() = ToMessage(fragment);
  }
  std::sort(fragments->begin(), fragments->end(),
            [](const auto& a, const auto& b) { return a.id() < b.id(); });
  return arrow::Status::OK();
}

/// Changes the manifest as the operation says.
struct Applier {
  ManifestFile* file;
  uint64_t version;  ///< the new one

  arrow::Status operator()(const Append& append) const {
    return AddFragments(append.fragments, version, &file->message);
  }
  arrow::Status operator()(const Overwrite& overwrite) const {
    lance::table::Manifest& manifest = file->message;
    manifest.clear_fields();
    for (auto& field : ToMessages(overwrite.schema)) *manifest.add_fields() = std::move(field);
    manifest.clear_schema_metadata();
    if (const auto& metadata = overwrite.schema.arrow->metadata()) {
      for (int64_t i = 0; i < metadata->size(); ++i) {
        (*manifest.mutable_schema_metadata())[metadata->key(i)] = metadata->value(i);
      }
    }
    for (const auto& [key, value] : overwrite.config) (*manifest.mutable_config())[key] = value;
    manifest.mutable_data_format()->set_file_format("lance");
    manifest.mutable_data_format()->set_version(
        std::string(FileVersionText(overwrite.file_version)));
    if (version == 1 && overwrite.stable_row_ids) manifest.set_reader_feature_flags(kStableRowIds);
    // The ids of the old fragments are not used again.
    if (NextFragmentId(manifest) > 0) ARROW_RETURN_NOT_OK(TakeFragmentIds(0, &manifest).status());
    manifest.clear_fragments();
    file->index_section.reset();
    return AddFragments(overwrite.fragments, version, &manifest);
  }
  arrow::Status operator()(const Delete& deletion) const {
    Fragments* fragments = file->message.mutable_fragments();
    ARROW_RETURN_NOT_OK(ReplaceFragments(deletion.updated, fragments));
    return RemoveFragments({deletion.removed.begin(), deletion.removed.end()}, fragments);
  }
  arrow::Status operator()(const Update& update) const {
    Fragments* fragments = file->message.mutable_fragments();
    ARROW_RETURN_NOT_OK(ReplaceFragments(update.updated, fragments));
    ARROW_RETURN_NOT_OK(RemoveFragments({update.removed.begin(), update.removed.end()}, fragments));
    if (!update.fields_modified.empty()) {
      ARROW_RETURN_NOT_OK(
          ForgetIndexedFragments(IdsOf(update.updated), update.fields_modified, file));
    }
    return AddFragments(update.added, version, &file->message);
  }
  arrow::Status operator()(const Rewrite& rewrite) const {
    lance::table::Manifest& manifest = file->message;
    ARROW_RETURN_NOT_OK(CheckGroups(rewrite.groups, NextFragmentId(manifest)));
    ARROW_RETURN_NOT_OK(ReplaceGroups(rewrite.groups, manifest.mutable_fragments()));
    for (const Rewrite::Group& group : rewrite.groups) {
      ARROW_RETURN_NOT_OK(MoveIndexedFragments(IdsOf(group.before), IdsOf(group.after),
                                               HasStableRowIds(manifest), file));
    }
    return arrow::Status::OK();
  }
  arrow::Status operator()(const ReserveFragments& reserve) const {
    return TakeFragmentIds(reserve.count, &file->message).status();
  }
  arrow::Status operator()(const Restore&) const {
    return MakeError(ErrorKind::kInternal, "a Restore needs the version it restores");
  }
};

/// Flags that follow from the contents are made anew; the others are promises that stay.
void SetFeatureFlags(lance::table::Manifest* manifest) {
  constexpr uint64_t kComputed = kDeletionFiles | kStableRowIds | kTableConfig | kBasePaths;
  uint64_t flags = manifest->reader_feature_flags() & kStableRowIds;
  const auto& fragments = manifest->fragments();
  if (std::any_of(fragments.begin(), fragments.end(),
                  [](const auto& fragment) { return fragment.has_deletion_file(); })) {
    flags |= kDeletionFiles;
  }
  if (manifest->base_paths_size() > 0) flags |= kBasePaths;
  manifest->set_reader_feature_flags((manifest->reader_feature_flags() & ~kComputed) | flags);
  if (manifest->config_size() > 0) flags |= kTableConfig;  // concerns writers only
  manifest->set_writer_feature_flags((manifest->writer_feature_flags() & ~kComputed) | flags);
}

/// What every new version says about itself.
void SetOrigin(uint64_t version, lance::table::Manifest* manifest) {
  using std::chrono::duration_cast;
  manifest->set_version(version);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = duration_cast<std::chrono::seconds>(now);
  manifest->mutable_timestamp()->set_seconds(seconds.count());
  manifest->mutable_timestamp()->set_nanos(
      static_cast<int32_t>(duration_cast<std::chrono::nanoseconds>(now - seconds).count()));
  manifest->clear_writer_version();
  manifest->mutable_writer_version()->set_library("pilum");
  manifest->mutable_writer_version()->set_version(PILUM_VERSION);
  manifest->clear_tag();
  manifest->clear_transaction_file();
  SetFeatureFlags(manifest);
}

}  // namespace

arrow::Result<ManifestFile> ApplyTransaction(ManifestFile previous,
                                             const Transaction& transaction) {
  ARROW_RETURN_NOT_OK(CheckWriterFlags(previous.message.writer_feature_flags()));
  const uint64_t version = previous.message.version() + 1;
  ARROW_RETURN_NOT_OK(std::visit(Applier{&previous, version}, transaction.operation));
  SetOrigin(version, &previous.message);
  previous.transaction.reset();
  return previous;
}

arrow::Result<ManifestFile> ApplyRestore(const ManifestFile& latest, ManifestFile restored) {
  ARROW_RETURN_NOT_OK(CheckWriterFlags(latest.message.writer_feature_flags()));
  ARROW_RETURN_NOT_OK(CheckWriterFlags(restored.message.writer_feature_flags()));
  // Ids are not used again.
  const uint64_t next = std::max(NextFragmentId(latest.message), NextFragmentId(restored.message));
  if (next > 0) restored.message.set_max_fragment_id(static_cast<uint32_t>(next - 1));
  restored.message.set_next_row_id(
      std::max(latest.message.next_row_id(), restored.message.next_row_id()));
  SetOrigin(latest.message.version() + 1, &restored.message);
  restored.transaction.reset();
  return restored;
}

}  // namespace pilum::dataset
