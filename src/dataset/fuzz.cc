#include "dataset/fuzz.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "bytes/byte_reader.h"
#include "dataset/apply.h"
#include "dataset/deletion_file.h"
#include "dataset/fragment_rows.h"
#include "dataset/index_section.h"
#include "dataset/manifest.h"
#include "dataset/manifest_file.h"
#include "dataset/roaring_reader.h"
#include "dataset/row_id_index.h"
#include "dataset/transaction.h"
#include "io/store_path.h"
#include "pilum/storage.h"

namespace pilum::dataset {
namespace {

constexpr uint64_t kMaxRows = 1 << 20;

void TouchDeleted(std::vector<uint32_t> offsets) {
  DeletionVector deleted(std::move(offsets));
  if (deleted.empty()) return;
  uint32_t last = deleted.offsets().back();
  (void)deleted.Contains(last);
  (void)deleted.Rank(last);
  (void)deleted.LiveToPhysical(deleted.size());
}

void TouchField(const Field& field) {
  (void)field.arrow->ToString(/*show_metadata=*/true);
  for (const Field& child : field.children) TouchField(child);
}

void CheckRef(const std::string& name, const std::string& branch) {
  if (io::IsInnerPath(name) && (branch.empty() || io::IsInnerPath(branch))) return;
  std::fprintf(stderr, "'%s' on '%s'\n", name.c_str(), branch.c_str());
  std::abort();
}

/// What writers read of the manifest that they build on.
void FuzzForWriters(std::span<const std::byte> bytes) {
  auto file = ParseManifestFile(bytes);
  if (!file.ok()) return;
  if (file->transaction) (void)ParseTransaction(*file->transaction);
  auto next = ApplyTransaction(*file, {1, "fuzz", ReserveFragments{1}});
  if (next.ok()) (void)SerializeManifestFile(&*next);
  (void)MoveIndexedFragments({0, 1}, {2}, true, &*file);
}

}  // namespace

void FuzzManifest(std::span<const std::byte> bytes) {
  FuzzForWriters(bytes);
  auto manifest = ParseManifest(bytes, "fuzz");
  if (!manifest.ok()) return;
  for (const Field& field : manifest->schema.fields) {
    TouchField(field);
    (void)manifest->schema.Find(field.name);
  }
  (void)manifest->live_rows();
  for (const Fragment& fragment : manifest->fragments) {
    if (fragment.physical_rows > kMaxRows) continue;
    (void)RowIds::Parse(fragment.inline_row_ids, fragment.physical_rows);
  }
}

void FuzzDeletionBitmap(std::span<const std::byte> bytes) {
  auto offsets = ReadRoaring(bytes, kMaxRows);
  if (offsets.ok()) TouchDeleted(*std::move(offsets));
}

void FuzzDeletionArrow(std::span<const std::byte> bytes) {
  auto offsets = ParseDeletionArrow(bytes, kMaxRows);
  if (offsets.ok()) TouchDeleted(*std::move(offsets));
}

void FuzzRowIds(std::span<const std::byte> bytes) {
  bytes::ByteReader reader(bytes);
  auto rows = reader.Read<uint16_t>("rows");
  if (!rows.ok()) return;
  auto sequence = bytes.subspan(reader.position());
  auto ids =
      RowIds::Parse({reinterpret_cast<const char*>(sequence.data()), sequence.size()}, *rows);
  if (!ids.ok()) return;
  for (uint64_t row = 0; row < (*ids)->size(); row += 1 + *rows / 64) {
    (void)(*ids)->Find((*ids)->at(row));
  }
  const RowIdIndex::FragmentRows fragment{0, *ids, nullptr};
  auto index = RowIdIndex::Make({&fragment, 1});
  if (index.ok() && *rows > 0) (void)(*index)->Find((*ids)->at(0));
}

void FuzzRefs(std::span<const std::byte> bytes) {
  bytes::ByteReader reader(bytes);
  auto size = reader.Read<uint8_t>("size of the name");
  if (!size.ok()) return;
  auto name = reader.Take(*size, "name");
  if (!name.ok()) return;
  const std::string file(reinterpret_cast<const char*>(name->data()), name->size());
  const auto json = bytes.subspan(reader.position());
  auto store = MakeMemoryStore();
  // A file that cannot exist tests nothing.
  if (!store->Put("_refs/tags/" + file + ".json", json).ok() ||
      !store->Put("_refs/branches/" + file + ".json", json).ok()) {
    return;
  }
  auto tags = ListTags(*store);
  if (tags.ok()) {
    for (const Tag& tag : *tags) CheckRef(tag.name, tag.branch);
  }
  auto branches = ListBranches(*store);
  if (branches.ok()) {
    for (const Branch& branch : *branches) CheckRef(branch.name, branch.parent);
  }
}

}  // namespace pilum::dataset
