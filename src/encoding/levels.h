// Repetition and definition levels of the 2.1 and 2.2 formats.
//
// A leaf column is a stack of layers, innermost first: the leaf itself, then each struct or list
// around it. A page numbers its definition levels by the layers it happens to need, so the same
// column has different numbers from page to page. LevelScheme gives a column fixed numbers, and
// PageLevels maps a page's to them:
//
//   0 = everything valid; then, from the innermost layer outwards, one number per item layer (null)
//   and two per list layer (null, empty). A level names the outermost thing that is null or empty.
//
// Repetition with L list layers: L starts a row, k < L starts an element of the list layer k + 1 (1
// is the innermost), 0 the next element of the innermost list.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/result.h>

#include "lance/encodings21.pb.h"

namespace pilum::encoding {

enum class Layer : uint8_t {
  kItem,  ///< a leaf or a struct: may be null
  kList,  ///< may be null or empty
};

/// The layers of a column, as its schema has them. A value type.
class LevelScheme {
 public:
  /// `layers` innermost first.
  explicit LevelScheme(std::vector<Layer> layers = {Layer::kItem});

  const std::vector<Layer>& layers() const { return layers_; }
  bool operator==(const LevelScheme& other) const { return layers_ == other.layers_; }
  /// One nullable leaf without structure: validity alone describes it.
  bool flat() const { return layers_.size() == 1; }
  uint16_t num_lists() const { return num_lists_; }
  /// The level that says "null" at layer i; for a list, the next one says "empty".
  uint16_t null_level(size_t layer) const { return first_level_[layer]; }
  /// The highest level of layer i; all levels of layers inside it are lower.
  uint16_t max_level(size_t layer) const {
    return static_cast<uint16_t>(first_level_[layer + 1] - 1);
  }
  /// Levels up to this one own a slot among the values.
  uint16_t max_visible() const { return max_visible_; }

 private:
  std::vector<Layer> layers_;
  std::vector<uint16_t> first_level_;  // of each layer, then one past the last
  uint16_t num_lists_ = 0;
  uint16_t max_visible_ = 0;
};

/// How the levels of one page translate to the column's scheme.
struct PageLevels {
  std::vector<uint16_t> to_scheme;  ///< page definition level → scheme level
  uint16_t max_visible = 0;         ///< page levels up to this one own a value slot

  uint16_t max_def() const { return static_cast<uint16_t>(to_scheme.size() - 1); }
};

/// Fails with kCorruptData if the page's layers do not fit the column's.
arrow::Result<PageLevels> MapPageLevels(const LevelScheme& scheme,
                                        const google::protobuf::RepeatedField<int>& layers);

}  // namespace pilum::encoding
