#include "scan/row_size.h"

#include <algorithm>

#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

namespace pilum::scan {
namespace {

using arrow::internal::checked_cast;

constexpr uint64_t kDefaultBatchRows = 8192;
constexpr uint64_t kDefaultBatchBytes = 4 << 20;
// Of a fragment whose rows may be of any size.
constexpr uint64_t kFirstRows = 1024;
constexpr uint64_t kFirstRowsWithBlobs = 64;

// Nothing where values differ in width.
std::optional<uint64_t> FixedBits(const arrow::DataType& type) {
  switch (type.id()) {
    case arrow::Type::NA:
      return 1;
    case arrow::Type::DICTIONARY:
      return std::nullopt;
    case arrow::Type::STRUCT: {
      uint64_t bits = 1;
      for (const auto& field : type.fields()) {
        const auto child = FixedBits(*field->type());
        if (!child) return std::nullopt;
        bits += *child;
      }
      return bits;
    }
    case arrow::Type::FIXED_SIZE_LIST: {
      const auto& list = checked_cast<const arrow::FixedSizeListType&>(type);
      const auto item = FixedBits(*list.value_type());
      if (!item) return std::nullopt;
      return *item * static_cast<uint64_t>(list.list_size());
    }
    default:
      if (!arrow::is_fixed_width(type.id())) return std::nullopt;
      return static_cast<uint64_t>(checked_cast<const arrow::FixedWidthType&>(type).bit_width());
  }
}

bool HasBlobs(const dataset::Field& field) {
  return field.kind == dataset::FieldKind::kBlobV1 || field.kind == dataset::FieldKind::kBlobV2 ||
         std::any_of(field.children.begin(), field.children.end(), HasBlobs);
}

uint64_t StoredRowBytes(const dataset::Fragment& fragment) {
  uint64_t bytes = 0;
  for (const auto& file : fragment.files) bytes += file.size;
  return bytes / std::max<uint64_t>(1, fragment.physical_rows);
}

}  // namespace

RowSize EstimateRowSize(const DatasetReader& dataset, const Projection& projection,
                        size_t fragment) {
  RowSize size;
  uint64_t bits = 0;
  for (const auto& column : projection.columns) {
    if (column.kind != ProjectedColumn::Kind::kField) {
      bits += 64;
      continue;
    }
    const auto fixed = FixedBits(*column.field.arrow->type());
    bits += fixed.value_or(0);
    size.exact &= fixed.has_value();
    size.blobs |= HasBlobs(column.field);
  }
  size.bytes = std::max<uint64_t>(1, bits / 8);
  if (!size.exact) size.bytes += StoredRowBytes(dataset.fragment(fragment));
  return size;
}

UnitSizer::UnitSizer(RowSize size, uint64_t unit_bytes, uint64_t batch_rows)
    : size_(size), unit_bytes_(unit_bytes), batch_rows_(batch_rows) {}

uint64_t UnitSizer::UnitRows(const DatasetReader& dataset, const Projection& projection,
                             size_t fragment) {
  if (begun_ != fragment && !size_.exact) {
    // What the rows before took says something of these, too.
    const uint64_t before = observed_ ? size_.bytes : 1;
    size_.bytes = std::max(before, EstimateRowSize(dataset, projection, fragment).bytes);
    begun_ = fragment;
  }
  uint64_t rows = std::max<uint64_t>(1, unit_bytes_ / size_.bytes);
  if (!size_.exact && observed_ != fragment)
    rows = std::min(rows, size_.blobs ? kFirstRowsWithBlobs : kFirstRows);
  const uint64_t batch = batch_rows_ > 0 ? batch_rows_ : DefaultBatchRows(size_.bytes);
  if (rows >= batch) rows -= rows % batch;
  if (batch_rows_ > 0) rows = std::max(rows, batch_rows_);
  return std::min<uint64_t>(rows, UINT32_MAX);
}

void UnitSizer::Observe(size_t fragment, uint64_t rows, uint64_t bytes) {
  if (size_.exact || rows == 0) return;
  size_.bytes = std::max<uint64_t>(1, bytes / rows);
  observed_ = fragment;
}

uint64_t DefaultBatchRows(uint64_t row_bytes) {
  return std::clamp<uint64_t>(kDefaultBatchBytes / row_bytes, 1, kDefaultBatchRows);
}

}  // namespace pilum::scan
