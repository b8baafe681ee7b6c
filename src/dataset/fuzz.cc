#include "dataset/fuzz.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "bytes/byte_reader.h"
#include "dataset/deletion_file.h"
#include "dataset/fragment_rows.h"
#include "dataset/manifest.h"
#include "dataset/roaring_reader.h"
#include "dataset/row_id_index.h"

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

}  // namespace

void FuzzManifest(std::span<const std::byte> bytes) {
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

}  // namespace pilum::dataset
