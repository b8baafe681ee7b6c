#include "dataset/index_section.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "dataset/deletion_write.h"
#include "dataset/roaring_reader.h"
#include "lance/parse_message.h"

namespace pilum::dataset {
namespace {

using FragmentIds = std::unordered_set<uint64_t>;
using Index = lance::table::IndexMetadata;

/// Not an index of values but bookkeeping of the reference library.
bool IsBookkeeping(const Index& index) { return index.name().starts_with("__lance_"); }

/// Replaces the fragments that each index covers by what change(index, covered) leaves of them. An
/// index without a bitmap does not say what it covers, and nothing can be taken from it: it goes.
template <typename Change>
arrow::Status ChangeCovered(ManifestFile* file, Change change) {
  constexpr uint64_t kMaxFragments = uint64_t{1} << 24;  // bounds the memory for damaged bitmaps
  if (!file->index_section) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto section, lance::ParseMessage<lance::table::IndexSection>(
                                          *file->index_section, "index section"));
  lance::table::IndexSection kept;
  for (const Index& index : section.indices()) {
    if (IsBookkeeping(index)) *kept.add_indices() = index;
    if (IsBookkeeping(index) || index.fragment_bitmap().empty()) continue;
    auto bitmap = std::as_bytes(std::span(std::string_view(index.fragment_bitmap())));
    ARROW_ASSIGN_OR_RAISE(std::vector<uint32_t> covered, ReadRoaring(bitmap, kMaxFragments));
    change(index, &covered);
    Index* changed = kept.add_indices();
    *changed = index;
    changed->set_fragment_bitmap(EncodeRoaring(covered));
  }
  section.mutable_indices()->Swap(kept.mutable_indices());
  file->index_section = section.SerializeAsString();
  return arrow::Status::OK();
}

}  // namespace

arrow::Status MoveIndexedFragments(const FragmentIds& before, const FragmentIds& after,
                                   bool stable_row_ids, ManifestFile* file) {
  return ChangeCovered(file, [&](const Index&, std::vector<uint32_t>* covered) {
    const size_t moved =
        std::erase_if(*covered, [&](uint32_t fragment) { return before.contains(fragment); });
    if (!stable_row_ids || moved != before.size()) return;
    covered->insert(covered->end(), after.begin(), after.end());
    std::sort(covered->begin(), covered->end());
  });
}

arrow::Status ForgetIndexedFragments(const FragmentIds& fragments, std::span<const uint32_t> fields,
                                     ManifestFile* file) {
  return ChangeCovered(file, [&](const Index& index, std::vector<uint32_t>* covered) {
    const bool concerned =
        std::any_of(index.fields().begin(), index.fields().end(), [&](int32_t field) {
          return std::find(fields.begin(), fields.end(), static_cast<uint32_t>(field)) !=
                 fields.end();
        });
    if (!concerned) return;
    std::erase_if(*covered, [&](uint32_t fragment) { return fragments.contains(fragment); });
  });
}

}  // namespace pilum::dataset
