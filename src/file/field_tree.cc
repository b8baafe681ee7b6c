#include "file/field_tree.h"

namespace pilum::file {

NodeKind PlainKind(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::STRUCT:
      return type.num_fields() == 0 ? NodeKind::kLeaf : NodeKind::kStruct;
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::MAP:
      return NodeKind::kList;
    case arrow::Type::FIXED_SIZE_LIST:
      return type.field(0)->type()->id() == arrow::Type::STRUCT ? NodeKind::kFixedSizeListOfStruct
                                                                : NodeKind::kLeaf;
    default:
      return NodeKind::kLeaf;
  }
}

}  // namespace pilum::file
