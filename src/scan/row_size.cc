#include "scan/row_size.h"

#include <algorithm>

#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include "scan/batch_read.h"

namespace pilum::scan {
namespace {

using arrow::Result;
using file::NodeKind;

uint64_t FixedBits(const arrow::DataType& type) {
  if (type.id() == arrow::Type::NA) return 1;
  if (type.id() == arrow::Type::FIXED_SIZE_LIST) {
    const auto& list = arrow::internal::checked_cast<const arrow::FixedSizeListType&>(type);
    return FixedBits(*list.value_type()) * static_cast<uint64_t>(list.list_size());
  }
  if (!arrow::is_fixed_width(type.id()) || type.id() == arrow::Type::DICTIONARY) return 0;
  return static_cast<uint64_t>(
      arrow::internal::checked_cast<const arrow::FixedWidthType&>(type).bit_width());
}

Result<uint64_t> StoredBytes(const file::ColumnSource& source) {
  uint64_t bytes = 0;
  ARROW_ASSIGN_OR_RAISE(auto metadata, source.file->ReadColumnMetadata(source.column));
  for (const auto& page : metadata.pages()) {
    for (uint64_t size : page.buffer_sizes())
      bytes += std::min(size, source.file->object()->size());
  }
  return bytes;
}

Result<uint64_t> NodeBits(const file::FieldNode& node, uint64_t rows) {
  const bool blob = node.kind == NodeKind::kBlobV1 || node.kind == NodeKind::kBlobV2;
  uint64_t bits = blob ? 0 : FixedBits(*node.field->type());
  if (bits > 0) return bits;
  for (const auto& source : node.sources) {
    if (!source.file) continue;
    uint64_t bytes = source.file->object()->size();  // the values of blobs are somewhere in it
    if (!blob) {
      ARROW_ASSIGN_OR_RAISE(bytes, StoredBytes(source));
    }
    bits += bytes * 8 / rows;
  }
  for (const auto& child : node.children) {
    ARROW_ASSIGN_OR_RAISE(uint64_t child_bits, NodeBits(child, rows));
    bits += child_bits;
  }
  return bits;
}

}  // namespace

Result<uint64_t> EstimateRowBytes(const DatasetReader& dataset, const Projection& projection,
                                  size_t fragment) {
  const uint64_t rows = std::max<uint64_t>(1, dataset.fragment(fragment).physical_rows);
  uint64_t bits = 0;
  for (const auto& column : projection.columns) {
    if (column.kind != ProjectedColumn::Kind::kField) {
      bits += 64;
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(auto tree, MakeFieldTree(dataset, column.field, {{fragment, {}}}));
    ARROW_ASSIGN_OR_RAISE(uint64_t column_bits, NodeBits(tree.root, rows));
    bits += column_bits;
  }
  return std::max<uint64_t>(1, bits / 8);
}

}  // namespace pilum::scan
