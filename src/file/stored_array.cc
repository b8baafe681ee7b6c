#include "file/stored_array.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/bitmap_ops.h>
#include <arrow/util/checked_cast.h>

#include "encoding/flat/flat_encode.h"
#include "encoding/variable/variable_encode.h"
#include "file/blob_write.h"
#include "file/jsonb_write.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using arrow::internal::checked_cast;
using encoding::Wire;

/// One field of a packed struct: where its values are, and how they go into rows.
class PackedField {
 public:
  static Result<PackedField> Make(const arrow::StructArray& rows, int index) {
    PackedField field;
    field.array_ = rows.field(index);  // sliced as the rows are
    ARROW_RETURN_NOT_OK(CheckNoNulls(rows, *field.array_, rows.type()->field(index)->name()));
    switch (field.array_->type_id()) {
      case arrow::Type::STRING:
      case arrow::Type::BINARY:
        field.length_bytes_ = 4;
        return field;
      case arrow::Type::LARGE_STRING:
      case arrow::Type::LARGE_BINARY:
        field.length_bytes_ = 8;
        return field;
      default:
        field.FindFixed();
        return field;
    }
  }

  bool fixed() const { return length_bytes_ == 0; }
  int64_t width() const { return width_; }  ///< of values of fixed width, in bytes

  /// Bytes that value i takes in a row.
  int64_t SizeOf(int64_t i) const {
    return fixed() ? width_ : length_bytes_ + static_cast<int64_t>(View(i).size());
  }

  void Put(int64_t i, uint8_t* to) const {
    if (fixed()) {
      std::memcpy(to, values_ + i * width_, static_cast<size_t>(width_));
      return;
    }
    const std::string_view value = View(i);
    const uint64_t length = value.size();
    std::memcpy(to, &length, static_cast<size_t>(length_bytes_));  // little-endian
    std::memcpy(to + length_bytes_, value.data(), value.size());
  }

  void AddTo(lance::encodings21::VariablePackedStruct* wire) const {
    auto* field = wire->add_fields();
    if (fixed()) {
      *field->mutable_value() = encoding::FixedWire(shape_, {});
      field->set_bits_per_value(static_cast<uint64_t>(width_) * 8);
    } else {
      *field->mutable_value() = encoding::VariableWire(static_cast<uint64_t>(length_bytes_) * 8);
      field->set_bits_per_length(static_cast<uint64_t>(length_bytes_) * 8);
    }
  }

 private:
  static Status CheckNoNulls(const arrow::StructArray& rows, const arrow::Array& array,
                             const std::string& name) {
    const arrow::Array* items = &array;
    std::shared_ptr<arrow::Array> keep;
    bool nulls = false;
    for (int64_t i = 0; array.null_count() > 0 && i < array.length(); ++i)
      nulls |= array.IsNull(i) && rows.IsValid(i);
    while (!nulls && items->type_id() == arrow::Type::FIXED_SIZE_LIST) {
      keep = checked_cast<const arrow::FixedSizeListArray&>(*items).Flatten().ValueOr(nullptr);
      if (!keep) break;
      items = keep.get();
      nulls = items->null_count() > 0;
    }
    if (!nulls) return Status::OK();
    return MakeError(ErrorKind::kInvalidArgument,
                     "field '" + name +
                         "' of a packed struct has nulls, for which rows have no "
                         "place; only the struct itself may be null");
  }

  void FindFixed() {
    const ArrayData* data = array_->data().get();
    int64_t first = data->offset;
    int64_t items = 1;
    while (data->type->id() == arrow::Type::FIXED_SIZE_LIST) {
      const int64_t size = checked_cast<const arrow::FixedSizeListType&>(*data->type).list_size();
      shape_.list_sizes.push_back(static_cast<uint64_t>(size));
      data = data->child_data[0].get();
      first = first * size + data->offset;
      items *= size;
    }
    const int64_t item_bytes =
        checked_cast<const arrow::FixedWidthType&>(*data->type).bit_width() / 8;
    width_ = items * item_bytes;
    shape_.bits = static_cast<uint64_t>(width_) * 8;
    values_ = data->buffers[1] ? data->buffers[1]->data() + first * item_bytes : nullptr;
  }

  std::string_view View(int64_t i) const {
    return length_bytes_ == 4 ? checked_cast<const arrow::BinaryArray&>(*array_).GetView(i)
                              : checked_cast<const arrow::LargeBinaryArray&>(*array_).GetView(i);
  }

  std::shared_ptr<arrow::Array> array_;
  encoding::ValueShape shape_;
  const uint8_t* values_ = nullptr;
  int64_t width_ = 0;
  int64_t length_bytes_ = 0;
};

/// The rows of packed structs, side by side.
class RowPacker {
 public:
  RowPacker(const arrow::StructArray& rows, arrow::MemoryPool* pool) : rows_(rows), pool_(pool) {}

  Result<StoredArray> Pack(bool fixed_width) {
    for (int i = 0; i < rows_.num_fields(); ++i) {
      ARROW_ASSIGN_OR_RAISE(auto field, PackedField::Make(rows_, i));
      fields_.push_back(std::move(field));
    }
    return fixed_width ? PackFixed() : PackVariable();
  }

 private:
  Result<StoredArray> PackFixed() const {
    int64_t width = 0;
    for (const PackedField& field : fields_) width += field.width();
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes,
                          arrow::AllocateBuffer(width * rows_.length(), pool_));
    uint8_t* to = bytes->mutable_data();
    std::memset(to, 0, static_cast<size_t>(bytes->size()));
    for (int64_t i = 0; i < rows_.length(); ++i) {
      if (rows_.IsValid(i)) PutRow(i, to);
      to += width;
    }
    ARROW_ASSIGN_OR_RAISE(auto validity, Validity());
    return StoredArray{ArrayData::Make(arrow::fixed_size_binary(static_cast<int32_t>(width)),
                                       rows_.length(), {std::move(validity), std::move(bytes)}),
                       std::nullopt};
  }

  Result<StoredArray> PackVariable() const {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> offsets,
                          arrow::AllocateBuffer((rows_.length() + 1) * 8, pool_));
    auto* ends = reinterpret_cast<int64_t*>(offsets->mutable_data());
    ends[0] = 0;
    for (int64_t i = 0; i < rows_.length(); ++i) {
      ends[i + 1] = ends[i];
      if (rows_.IsNull(i)) continue;
      for (const PackedField& field : fields_) ends[i + 1] += field.SizeOf(i);
    }
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes,
                          arrow::AllocateBuffer(ends[rows_.length()], pool_));
    for (int64_t i = 0; i < rows_.length(); ++i) {
      if (rows_.IsValid(i)) PutRow(i, bytes->mutable_data() + ends[i]);
    }
    Wire wire;
    for (const PackedField& field : fields_) field.AddTo(wire.mutable_variable_packed_struct());
    ARROW_ASSIGN_OR_RAISE(auto validity, Validity());
    return StoredArray{ArrayData::Make(arrow::large_binary(), rows_.length(),
                                       {std::move(validity), std::move(offsets), std::move(bytes)}),
                       std::move(wire)};
  }

  void PutRow(int64_t i, uint8_t* to) const {
    for (const PackedField& field : fields_) {
      field.Put(i, to);
      to += field.SizeOf(i);
    }
  }

  Result<std::shared_ptr<arrow::Buffer>> Validity() const {
    if (rows_.null_count() == 0) return nullptr;
    return arrow::internal::CopyBitmap(pool_, rows_.null_bitmap_data(), rows_.offset(),
                                       rows_.length());
  }

  const arrow::StructArray& rows_;
  arrow::MemoryPool* pool_;
  std::vector<PackedField> fields_;
};

}  // namespace

Result<StoredArray> MakeStoredArray(const FieldNode& node, const encoding::LeafType& type,
                                    std::shared_ptr<ArrayData> values, arrow::MemoryPool* pool) {
  switch (node.kind) {
    case NodeKind::kJson: {
      ARROW_ASSIGN_OR_RAISE(auto documents, MakeJsonbArray(*values, pool));
      return StoredArray{std::move(documents), std::nullopt};
    }
    case NodeKind::kPackedStruct:
      return RowPacker(arrow::StructArray(values), pool).Pack(!type.shape.variable);
    case NodeKind::kBlobV2:
      return StoredArray{std::move(values), BlobDescriptorWire()};
    default:
      return StoredArray{std::move(values), std::nullopt};
  }
}

}  // namespace pilum::file
