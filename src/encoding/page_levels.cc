#include "encoding/page_levels.h"

#include <algorithm>

namespace pilum::encoding {

using namespace lance::encodings21;

namespace {

RepDefLayer LayerFor(Layer layer, bool nulls, bool empties) {
  if (layer == Layer::kItem) return nulls ? REPDEF_NULLABLE_ITEM : REPDEF_ALL_VALID_ITEM;
  if (nulls && empties) return REPDEF_NULL_AND_EMPTY_LIST;
  if (nulls) return REPDEF_NULLABLE_LIST;
  return empties ? REPDEF_EMPTYABLE_LIST : REPDEF_ALL_VALID_LIST;
}

}  // namespace

DeclaredLevels DeclareLevels(const LevelScheme& scheme, const LeafRows& rows) {
  const size_t num_layers = scheme.layers().size();
  std::vector<uint16_t> to_page(scheme.max_level(num_layers - 1) + size_t{1});
  for (uint16_t level : rows.def) to_page[level] = 1;
  // Where a struct is null, the reference library wants what is in it to be nullable as well.
  for (size_t i = num_layers - 1; i > 0; --i) {
    if (scheme.layers()[i] == Layer::kItem && to_page[scheme.null_level(i)] != 0)
      to_page[scheme.null_level(i - 1)] = 1;
  }

  DeclaredLevels levels;
  levels.rep = rows.rep;
  levels.max_rep = rows.rep.empty() ? 0 : scheme.num_lists();
  uint16_t next = 0;
  bool inside_lists = true;
  to_page[0] = 0;
  for (size_t i = 0; i < num_layers; ++i) {
    const Layer layer = scheme.layers()[i];
    if (layer == Layer::kList) inside_lists = false;
    const uint16_t null_level = scheme.null_level(i);
    const bool nulls = to_page[null_level] != 0;
    const bool empties = layer == Layer::kList && to_page[null_level + 1] != 0;
    if (nulls) to_page[null_level] = ++next;
    if (empties) to_page[null_level + 1] = ++next;
    if (inside_lists) levels.max_visible = next;
    levels.layers.push_back(LayerFor(layer, nulls, empties));
  }
  levels.max_def = next;
  if (next == 0) return levels;
  levels.def.resize(rows.def.size());
  std::transform(rows.def.begin(), rows.def.end(), levels.def.begin(),
                 [&](uint16_t level) { return to_page[level]; });
  return levels;
}

}  // namespace pilum::encoding
