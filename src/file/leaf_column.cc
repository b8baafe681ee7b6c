#include "file/leaf_column.h"

#include <algorithm>
#include <utility>

#include <arrow/util/checked_cast.h>

#include "file/leaf_array.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Status;
using encoding::Layer;

bool IsList(const FieldNode* node) { return node->kind == NodeKind::kList; }

Status AddLeaves(const FieldNode& node, std::vector<const FieldNode*> path, int64_t slots_per_row,
                 std::vector<LeafColumn>* leaves) {
  path.push_back(&node);
  if (path.size() > 64)
    return MakeError(ErrorKind::kUnsupported, "fields nest deeper than 64 levels");
  if (node.kind == NodeKind::kFixedSizeListOfStruct) {
    slots_per_row *= ListSize(node);
    if (std::any_of(path.begin(), path.end(), IsList)) {
      return MakeError(ErrorKind::kUnsupported,
                       "fixed-size lists of structs inside lists are not supported");
    }
  }
  if (IsInner(node.kind)) {
    for (const FieldNode& child : node.children)
      ARROW_RETURN_NOT_OK(AddLeaves(child, path, slots_per_row, leaves));
    return Status::OK();
  }
  std::vector<Layer> layers;  // innermost first
  for (auto outer = path.rbegin(); outer != path.rend(); ++outer)
    layers.push_back(IsList(*outer) ? Layer::kList : Layer::kItem);
  LeafColumn leaf;
  leaf.node = &node;
  leaf.path = std::move(path);
  leaf.scheme = encoding::LevelScheme(std::move(layers));
  leaf.slots_per_row = slots_per_row;
  ARROW_ASSIGN_OR_RAISE(leaf.type, LeafTypeOf(node, /*lists_are_fixed=*/false));
  leaves->push_back(std::move(leaf));
  return Status::OK();
}

}  // namespace

int64_t ListSize(const FieldNode& node) {
  using arrow::internal::checked_cast;
  return node.kind == NodeKind::kFixedSizeListOfStruct
             ? checked_cast<const arrow::FixedSizeListType&>(*node.field->type()).list_size()
             : 1;
}

arrow::Result<std::vector<LeafColumn>> LeafColumns(const FieldNode& root) {
  std::vector<LeafColumn> leaves;
  ARROW_RETURN_NOT_OK(AddLeaves(root, {}, 1, &leaves));
  return leaves;
}

}  // namespace pilum::file
