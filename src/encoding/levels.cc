#include "encoding/levels.h"

#include <string>

#include "bytes/byte_reader.h"

namespace pilum::encoding {

LevelScheme::LevelScheme(std::vector<Layer> layers) : layers_(std::move(layers)) {
  uint16_t next = 1;
  for (Layer layer : layers_) {
    first_level_.push_back(next);
    if (layer == Layer::kList && num_lists_ == 0) max_visible_ = static_cast<uint16_t>(next - 1);
    num_lists_ += layer == Layer::kList;
    next += layer == Layer::kList ? 2 : 1;
  }
  first_level_.push_back(next);
  if (num_lists_ == 0) max_visible_ = static_cast<uint16_t>(next - 1);
}

arrow::Result<PageLevels> MapPageLevels(const LevelScheme& scheme,
                                        const google::protobuf::RepeatedField<int>& layers) {
  using namespace lance::encodings21;
  if (static_cast<size_t>(layers.size()) != scheme.layers().size()) {
    return bytes::Corrupt("page has " + std::to_string(layers.size()) + " layers, the column " +
                          std::to_string(scheme.layers().size()));
  }
  PageLevels levels;
  levels.to_scheme.push_back(0);
  bool seen_list = false;
  for (int i = 0; i < layers.size(); ++i) {
    const bool is_list = scheme.layers()[i] == Layer::kList;
    const uint16_t null_level = scheme.null_level(i);
    const int layer = layers.Get(i);
    const bool list_layer = layer == REPDEF_ALL_VALID_LIST || layer == REPDEF_NULLABLE_LIST ||
                            layer == REPDEF_EMPTYABLE_LIST || layer == REPDEF_NULL_AND_EMPTY_LIST;
    if (list_layer != is_list ||
        (!list_layer && layer != REPDEF_ALL_VALID_ITEM && layer != REPDEF_NULLABLE_ITEM)) {
      return bytes::Corrupt("layer " + std::to_string(i) + " of the page is of kind " +
                            std::to_string(layer) +
                            ", which the column's type does not have there");
    }
    if (list_layer && !seen_list) {
      seen_list = true;
      levels.max_visible = levels.max_def();
    }
    if (layer == REPDEF_NULLABLE_ITEM || layer == REPDEF_NULLABLE_LIST ||
        layer == REPDEF_NULL_AND_EMPTY_LIST) {
      levels.to_scheme.push_back(null_level);
    }
    if (layer == REPDEF_EMPTYABLE_LIST || layer == REPDEF_NULL_AND_EMPTY_LIST) {
      levels.to_scheme.push_back(static_cast<uint16_t>(null_level + 1));
    }
  }
  if (!seen_list) levels.max_visible = levels.max_def();
  return levels;
}

}  // namespace pilum::encoding
