#include "file/missing_leaf.h"

#include <algorithm>
#include <vector>

namespace pilum::file {
namespace {

using encoding::LevelScheme;

size_t ListsInside(const LevelScheme& scheme, size_t shared_layers) {
  const auto end = scheme.layers().end() - static_cast<std::ptrdiff_t>(shared_layers);
  return static_cast<size_t>(std::count(scheme.layers().begin(), end, encoding::Layer::kList));
}

// Levels of the sibling to levels of the missing leaf: those of shared layers stay what they are,
// all others become "null just inside the shared layers".
encoding::PageLevels MapLevels(const LevelScheme& from, const LevelScheme& to,
                               size_t shared_layers) {
  const size_t from_layers = from.layers().size();
  const size_t to_layers = to.layers().size();
  encoding::PageLevels levels;
  levels.to_scheme.assign(from.max_level(from_layers - 1) + size_t{1},
                          to.null_level(to_layers - 1 - shared_layers));
  for (size_t outer = 0; outer < shared_layers; ++outer) {
    const uint16_t first = from.null_level(from_layers - 1 - outer);
    const uint16_t last = from.max_level(from_layers - 1 - outer);
    for (uint16_t level = first; level <= last; ++level) {
      levels.to_scheme[level] =
          static_cast<uint16_t>(to.null_level(to_layers - 1 - outer) + level - first);
    }
  }
  return levels;
}

}  // namespace

arrow::Status AppendMissing(const encoding::LeafBuilder& sibling, size_t first_entry,
                            size_t shared_layers, encoding::LeafBuilder* builder) {
  const LevelScheme& to = builder->scheme();
  const auto levels = MapLevels(sibling.scheme(), to, shared_layers);
  const auto inner_lists = static_cast<uint16_t>(ListsInside(sibling.scheme(), shared_layers));
  const auto own_lists = static_cast<uint16_t>(ListsInside(to, shared_layers));
  const auto sibling_rep = sibling.rep();
  const auto sibling_def = sibling.def();
  std::vector<uint16_t> rep;
  std::vector<uint16_t> def;
  int64_t visible = 0;
  for (size_t i = first_entry; i < sibling_def.size(); ++i) {
    if (!sibling_rep.empty()) {
      if (sibling_rep[i] < inner_lists) continue;  // a further element of a list of its own
      rep.push_back(static_cast<uint16_t>(sibling_rep[i] - inner_lists + own_lists));
    }
    def.push_back(sibling_def[i]);
    visible += levels.to_scheme[sibling_def[i]] <= to.max_visible();
  }
  if (to.num_lists() == 0) rep.clear();
  ARROW_RETURN_NOT_OK(builder->AppendLevels(levels, rep, def, def.size()));
  ARROW_ASSIGN_OR_RAISE(const int64_t slot, builder->AppendSlots(visible));
  return builder->PutNothing(slot, static_cast<uint64_t>(visible));
}

}  // namespace pilum::file
