#include "file/blob_write.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include <arrow/array/builder_binary.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/key_value_metadata.h>

#include "bytes/byte_writer.h"
#include "encoding/flat/flat_encode.h"
#include "encoding/variable/variable_encode.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;
using arrow::internal::checked_cast;

constexpr uint8_t kInline = 0;
constexpr uint8_t kPacked = 1;
constexpr uint8_t kDedicated = 2;
constexpr uint64_t kAlignment = 64;

bool HoldsBlobs(const FieldNode& node) {
  return node.kind == NodeKind::kBlobV1 || node.kind == NodeKind::kBlobV2 ||
         std::any_of(node.children.begin(), node.children.end(), HoldsBlobs);
}

std::span<const std::byte> AsBytes(std::string_view value) {
  return std::as_bytes(std::span(value));
}

template <typename Number>
void Append(Number number, std::string* out) {
  out->append(reinterpret_cast<const char*>(&number), sizeof(number));  // little-endian
}

Result<uint64_t> Threshold(const arrow::Field& field, const std::string& key, uint64_t standard) {
  const auto& metadata = field.metadata();
  const std::string text = metadata ? metadata->Get("lance-encoding:" + key).ValueOr("") : "";
  if (text.empty()) return standard;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return MakeError(ErrorKind::kInvalidArgument,
                   "lance-encoding:" + key + " is a number of bytes, not '" + text + "'");
}

}  // namespace

encoding::Wire BlobDescriptorWire() {
  encoding::Wire wire;
  auto* packed = wire.mutable_variable_packed_struct();
  for (const uint64_t bits : {8, 64, 64, 32}) {
    auto* field = packed->add_fields();
    *field->mutable_value() = encoding::FlatWire(bits);
    field->set_bits_per_value(bits);
  }
  auto* uri = packed->add_fields();
  *uri->mutable_value() = encoding::VariableWire(32);
  uri->set_bits_per_length(32);
  return wire;
}

Result<std::shared_ptr<arrow::Array>> BlobWriter::Store(
    const FieldNode& node, const std::shared_ptr<arrow::Array>& column) {
  if (!HoldsBlobs(node)) return column;
  switch (node.kind) {
    case NodeKind::kBlobV1:
      return StoreV1(checked_cast<const arrow::LargeBinaryArray&>(*column));
    case NodeKind::kBlobV2:
      return StoreV2(node, checked_cast<const arrow::LargeBinaryArray&>(*column));
    case NodeKind::kStruct:
      return StoreStruct(node, checked_cast<const arrow::StructArray&>(*column));
    default:
      return MakeError(ErrorKind::kUnsupported, "blobs inside lists cannot be written");
  }
}

Status BlobWriter::Finish() {
  if (packed_) ARROW_RETURN_NOT_OK(packed_->Finish());
  packed_.reset();
  return Status::OK();
}

Result<BlobWriter::Thresholds> BlobWriter::ThresholdsOf(const arrow::Field& field) {
  Thresholds thresholds;
  ARROW_ASSIGN_OR_RAISE(thresholds.most_inline,
                        Threshold(field, "blob-inline-size-threshold", thresholds.most_inline));
  ARROW_ASSIGN_OR_RAISE(thresholds.most_packed,
                        Threshold(field, "blob-dedicated-size-threshold", thresholds.most_packed));
  ARROW_ASSIGN_OR_RAISE(thresholds.sidecar_size,
                        Threshold(field, "blob-pack-file-size-threshold", thresholds.sidecar_size));
  return thresholds;
}

Result<std::shared_ptr<arrow::Array>> BlobWriter::StoreStruct(const FieldNode& node,
                                                              const arrow::StructArray& rows) {
  arrow::ArrayVector children;
  arrow::FieldVector fields;
  for (int i = 0; i < rows.num_fields(); ++i) {
    // Values under a null struct are not looked at.
    ARROW_ASSIGN_OR_RAISE(auto values, rows.GetFlattenedField(i, pool_));
    ARROW_ASSIGN_OR_RAISE(auto child, Store(node.children[static_cast<size_t>(i)], values));
    fields.push_back(arrow::field(rows.type()->field(i)->name(), child->type()));
    children.push_back(std::move(child));
  }
  std::shared_ptr<arrow::Buffer> validity;
  if (rows.null_count() > 0) {
    ARROW_ASSIGN_OR_RAISE(validity, arrow::internal::CopyBitmap(pool_, rows.null_bitmap_data(),
                                                                rows.offset(), rows.length()));
  }
  return std::make_shared<arrow::StructArray>(arrow::struct_(fields), rows.length(),
                                              std::move(children), std::move(validity));
}

Result<std::shared_ptr<arrow::Array>> BlobWriter::StoreV1(const arrow::LargeBinaryArray& blobs) {
  arrow::FixedSizeBinaryBuilder builder(arrow::fixed_size_binary(16), pool_);
  ARROW_RETURN_NOT_OK(builder.Reserve(blobs.length()));
  for (int64_t i = 0; i < blobs.length(); ++i) {
    if (blobs.IsNull(i)) {
      ARROW_RETURN_NOT_OK(builder.AppendNull());
      continue;
    }
    const std::string_view value = blobs.GetView(i);
    ARROW_ASSIGN_OR_RAISE(const uint64_t position, AppendInline(value));
    std::string descriptor;
    Append(position, &descriptor);
    Append(uint64_t{value.size()}, &descriptor);
    ARROW_RETURN_NOT_OK(builder.Append(descriptor));
  }
  return builder.Finish();
}

Result<std::shared_ptr<arrow::Array>> BlobWriter::StoreV2(const FieldNode& node,
                                                          const arrow::LargeBinaryArray& blobs) {
  ARROW_ASSIGN_OR_RAISE(const Thresholds thresholds, ThresholdsOf(*node.field));
  arrow::LargeBinaryBuilder builder(pool_);
  ARROW_RETURN_NOT_OK(builder.Reserve(blobs.length()));
  for (int64_t i = 0; i < blobs.length(); ++i) {
    if (blobs.IsNull(i)) {
      ARROW_RETURN_NOT_OK(builder.AppendNull());
      continue;
    }
    const std::string_view value = blobs.GetView(i);
    ARROW_ASSIGN_OR_RAISE(const Place place, StoreValue(value, thresholds));
    std::string descriptor;
    Append(place.kind, &descriptor);
    Append(place.position, &descriptor);
    Append(uint64_t{value.size()}, &descriptor);
    Append(place.blob_id, &descriptor);
    Append(uint32_t{0}, &descriptor);  // no URI
    ARROW_RETURN_NOT_OK(builder.Append(descriptor));
  }
  return builder.Finish();
}

Result<BlobWriter::Place> BlobWriter::StoreValue(std::string_view value,
                                                 const Thresholds& thresholds) {
  if (value.size() <= thresholds.most_inline) {
    Place place{.kind = kInline};
    ARROW_ASSIGN_OR_RAISE(place.position, AppendInline(value));
    return place;
  }
  if (value.size() <= thresholds.most_packed) return AppendPacked(value, thresholds.sidecar_size);
  return WriteDedicated(value);
}

/// Where the value begins; 0 for an empty one.
Result<uint64_t> BlobWriter::AppendInline(std::string_view value) {
  if (value.empty()) return 0;
  static constexpr std::byte kGap[kAlignment] = {};
  ARROW_RETURN_NOT_OK(
      out_->Append(std::span(kGap).first((kAlignment - out_->size() % kAlignment) % kAlignment)));
  const uint64_t position = out_->size();
  ARROW_RETURN_NOT_OK(out_->Append(AsBytes(value)));
  return position;
}

Result<BlobWriter::Place> BlobWriter::AppendPacked(std::string_view value, uint64_t sidecar_size) {
  if (packed_ && packed_->size() + value.size() > sidecar_size) ARROW_RETURN_NOT_OK(Finish());
  if (!packed_) {
    packed_id_ = ++num_sidecars_;
    ARROW_ASSIGN_OR_RAISE(packed_, make_sidecar_(packed_id_));
  }
  const Place place{.kind = kPacked, .position = packed_->size(), .blob_id = packed_id_};
  ARROW_RETURN_NOT_OK(packed_->Append(AsBytes(value)));
  return place;
}

Result<BlobWriter::Place> BlobWriter::WriteDedicated(std::string_view value) {
  const Place place{.kind = kDedicated, .blob_id = ++num_sidecars_};
  ARROW_ASSIGN_OR_RAISE(auto sidecar, make_sidecar_(place.blob_id));
  ARROW_RETURN_NOT_OK(sidecar->Append(AsBytes(value)));
  ARROW_RETURN_NOT_OK(sidecar->Finish());
  return place;
}

}  // namespace pilum::file
