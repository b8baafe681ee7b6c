#include "dataset/rebase.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dataset/deletion_write.h"
#include "dataset/fragment_rows.h"
#include "io/store_path.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using Offsets = std::vector<uint32_t>;

/// The fragments of a version by their ids.
class FragmentMap {
 public:
  explicit FragmentMap(const Manifest& manifest) {
    for (const Fragment& fragment : manifest.fragments) by_id_[fragment.id] = &fragment;
  }
  const Fragment* Find(uint64_t id) const {
    auto found = by_id_.find(id);
    return found == by_id_.end() ? nullptr : found->second;
  }

 private:
  std::unordered_map<uint64_t, const Fragment*> by_id_;
};

bool SameFiles(const Fragment& a, const Fragment& b) {
  auto same = [](const DataFile& x, const DataFile& y) {
    return x.path == y.path && x.fields == y.fields && x.base_id == y.base_id;
  };
  return std::equal(a.files.begin(), a.files.end(), b.files.begin(), b.files.end(), same);
}

bool SameDeletions(const Fragment& a, const Fragment& b) {
  if (!a.deletion_file || !b.deletion_file) return !a.deletion_file && !b.deletion_file;
  return a.deletion_file->id == b.deletion_file->id &&
         a.deletion_file->read_version == b.deletion_file->read_version;
}

arrow::Result<Offsets> ReadOffsets(ObjectStore& store, const Manifest& manifest,
                                   const Fragment& fragment) {
  if (!fragment.deletion_file) return Offsets();
  std::shared_ptr<const DeletionVector> read;
  if (auto base_id = fragment.deletion_file->base_id) {
    auto base = std::find_if(manifest.base_paths.begin(), manifest.base_paths.end(),
                             [&](const BasePath& path) { return path.id == *base_id; });
    if (base == manifest.base_paths.end()) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "base path " + std::to_string(*base_id) + " is not in the manifest");
    }
    ARROW_ASSIGN_OR_RAISE(std::string path, io::LocalPathOf(base->path));
    ARROW_ASSIGN_OR_RAISE(auto base_store, OpenLocalStore(std::move(path)));
    ARROW_ASSIGN_OR_RAISE(read, ReadDeletionVector(*base_store, fragment));
  } else {
    ARROW_ASSIGN_OR_RAISE(read, ReadDeletionVector(store, fragment));
  }
  return Offsets(read->offsets().begin(), read->offsets().end());
}

/// What was deleted before, and by each side since.
struct ThreeWay {
  Offsets before, ours, theirs;

  /// All of it, or nothing if both deleted the same row.
  std::optional<Offsets> Merge() const {
    Offsets all;
    std::set_union(ours.begin(), ours.end(), theirs.begin(), theirs.end(), std::back_inserter(all));
    const bool disjoint = all.size() + before.size() == ours.size() + theirs.size();
    return disjoint ? std::optional(std::move(all)) : std::nullopt;
  }
};

/// Gives `ours` the deletions of both sides; false when they cannot be merged.
arrow::Result<bool> MergeFragment(ObjectStore& store, const Manifest& read, const Fragment* before,
                                  const Manifest& latest, const Fragment* theirs, Fragment* ours) {
  if (before == nullptr || theirs == nullptr) return false;
  if (SameDeletions(*before, *theirs) && SameFiles(*before, *theirs)) return true;
  if (!SameFiles(*before, *theirs) || !SameFiles(*before, *ours)) return false;
  ThreeWay deleted;
  ARROW_ASSIGN_OR_RAISE(deleted.before, ReadOffsets(store, read, *before));
  ARROW_ASSIGN_OR_RAISE(deleted.ours, ReadOffsets(store, latest, *ours));
  ARROW_ASSIGN_OR_RAISE(deleted.theirs, ReadOffsets(store, latest, *theirs));
  auto merged = deleted.Merge();
  if (!merged) return false;
  ARROW_ASSIGN_OR_RAISE(ours->deletion_file,
                        WriteDeletionFile(store, ours->id, latest.version, *merged));
  return true;
}

arrow::Result<bool> MergeFragments(ObjectStore& store, const Manifest& read, const Manifest& latest,
                                   std::vector<Fragment>* updated, std::vector<uint64_t>* removed) {
  const FragmentMap before(read);
  const FragmentMap theirs(latest);
  for (Fragment& fragment : *updated) {
    ARROW_ASSIGN_OR_RAISE(bool merged, MergeFragment(store, read, before.Find(fragment.id), latest,
                                                     theirs.Find(fragment.id), &fragment));
    if (!merged) return false;
    if (fragment.live_rows() == 0) removed->push_back(fragment.id);
  }
  std::erase_if(*updated, [](const Fragment& fragment) { return fragment.live_rows() == 0; });
  return true;
}

bool AcceptsFieldsOf(const std::vector<Field>& written_for, const std::vector<Field>& latest) {
  return std::all_of(latest.begin(), latest.end(), [&](const Field& field) {
    auto same = std::find_if(written_for.begin(), written_for.end(),
                             [&](const Field& before) { return before.id == field.id; });
    if (same != written_for.end()) {
      return (field.nullable || !same->nullable) && AcceptsFieldsOf(same->children, field.children);
    }
    // A column of another type has the old name and a new id; its values would get lost.
    auto named = [&](const Field& before) { return before.name == field.name; };
    return field.nullable && std::none_of(written_for.begin(), written_for.end(), named);
  });
}

}  // namespace

arrow::Result<bool> MergeDeletions(ObjectStore& store, const Manifest& read, const Manifest& latest,
                                   Transaction* transaction) {
  if (auto* deletion = std::get_if<Delete>(&transaction->operation)) {
    return MergeFragments(store, read, latest, &deletion->updated, &deletion->removed);
  }
  if (auto* update = std::get_if<Update>(&transaction->operation)) {
    return MergeFragments(store, read, latest, &update->updated, &update->removed);
  }
  return true;
}

bool AcceptsRowsOf(const Schema& written_for, const Schema& latest) {
  return AcceptsFieldsOf(written_for.fields, latest.fields);
}

}  // namespace pilum::dataset
