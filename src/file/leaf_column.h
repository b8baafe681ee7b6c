// The columns of a field in 2.1 and 2.2 files: one per leaf, with the layers around it.
#pragma once

#include <cstdint>
#include <vector>

#include <arrow/result.h>

#include "encoding/leaf_builder.h"
#include "file/field_tree.h"

namespace pilum::file {

struct LeafColumn {
  const FieldNode* node = nullptr;
  std::vector<const FieldNode*> path;  ///< the nodes around it, outermost first, and itself
  encoding::LevelScheme scheme;
  encoding::LeafType type;
  int64_t slots_per_row = 1;  ///< more in fixed-size lists of structs
};

/// In the order of their columns. `root` must outlive them.
arrow::Result<std::vector<LeafColumn>> LeafColumns(const FieldNode& root);

/// Of a fixed-size list of structs; 1 for other nodes.
int64_t ListSize(const FieldNode& node);

}  // namespace pilum::file
