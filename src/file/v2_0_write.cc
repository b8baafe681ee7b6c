// The columns of 2.0 files on their way in: one per field, whose pages have the slots of that field.
#include <utility>

#include <arrow/array.h>
#include <arrow/util/checked_cast.h>

#include "encoding/v2_0/page_write.h"
#include "file/column_encoder.h"
#include "file/leaf_array.h"
#include "file/leaf_column.h"
#include "file/shred.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;
using arrow::internal::checked_cast;
using encoding::v2_0::WrittenPage;
using Encoders = std::vector<std::unique_ptr<ColumnEncoder>>;
using Path = std::vector<const FieldNode*>;

Status NoNullStructs() {
  return MakeError(ErrorKind::kInvalidArgument,
                   "structs are null, which storage version 2.0 cannot hold; 2.1 and 2.2 can");
}

template <typename List>
Result<std::shared_ptr<arrow::Array>> ItemsOf(const arrow::Array& lists, arrow::MemoryPool* pool) {
  return checked_cast<const List&>(lists).Flatten(pool);  // without those under null lists
}

/// The slots of a child: fields of all structs, items of all lists.
Result<std::shared_ptr<arrow::Array>> ChildOf(const FieldNode& node, const FieldNode* child,
                                              const arrow::Array& array, arrow::MemoryPool* pool) {
  if (node.kind == NodeKind::kStruct) {
    if (array.null_count() > 0) return NoNullStructs();
    const auto& structs = checked_cast<const arrow::StructArray&>(array);
    return structs.field(static_cast<int>(child - node.children.data()));
  }
  return array.type_id() == arrow::Type::LARGE_LIST ? ItemsOf<arrow::LargeListArray>(array, pool)
                                                    : ItemsOf<arrow::ListArray>(array, pool);
}

template <typename List>
WrittenPage ListPage(const arrow::Array& array, arrow::MemoryPool* pool) {
  const auto& lists = checked_cast<const List&>(array);
  std::vector<uint64_t> ends;
  std::vector<uint8_t> validity;
  uint64_t end = 0;
  for (int64_t i = 0; i < lists.length(); ++i) {
    if (lists.IsValid(i)) end += static_cast<uint64_t>(lists.value_length(i));
    ends.push_back(end);
    if (lists.null_count() > 0) validity.push_back(lists.IsValid(i) ? 1 : 0);
  }
  return encoding::v2_0::WriteListPage(ends, validity, pool);
}

class FieldEncoder final : public ColumnEncoder {
 public:
  /// `path` leads to the column's field, the last in it.
  static Result<std::unique_ptr<FieldEncoder>> Make(Path path) {
    std::unique_ptr<FieldEncoder> encoder(new FieldEncoder(std::move(path)));
    if (!IsInner(encoder->node().kind)) ARROW_RETURN_NOT_OK(encoder->InitLeaf());
    return encoder;
  }

  Result<StoredPage> Encode(const std::shared_ptr<arrow::ArrayData>& rows,
                            arrow::MemoryPool* pool) const override {
    std::shared_ptr<arrow::Array> array = arrow::MakeArray(rows);
    for (size_t depth = 0; depth + 1 < path_.size(); ++depth) {
      ARROW_ASSIGN_OR_RAISE(array, ChildOf(*path_[depth], path_[depth + 1], *array, pool));
    }
    ARROW_ASSIGN_OR_RAISE(WrittenPage page, Write(*array, pool));
    return StoredPage{"/lance.encodings.ArrayEncoding", page.encoding.SerializeAsString(),
                      std::move(page.buffers), page.slots};
  }

  bool holds_blobs() const override { return node().kind == NodeKind::kBlobV1; }

 private:
  explicit FieldEncoder(Path path) : path_(std::move(path)) {}

  const FieldNode& node() const { return *path_.back(); }

  Status InitLeaf() {
    leaf_.node = path_.back();
    leaf_.path = {leaf_.node};
    leaf_.scheme = encoding::LevelScheme({encoding::Layer::kItem});
    ARROW_ASSIGN_OR_RAISE(leaf_.type, LeafTypeOf(node(), /*lists_are_fixed=*/true));
    ARROW_ASSIGN_OR_RAISE(options_.compression, encoding::ReadRequest(*node().field));
    const arrow::DataType& type = *node().field->type();
    // The reference library reads dictionaries as strings with narrow offsets only.
    options_.is_text = node().kind == NodeKind::kLeaf && type.id() == arrow::Type::STRING;
    if (node().kind != NodeKind::kPackedStruct) return Status::OK();
    if (leaf_.type.shape.variable) {
      return MakeError(ErrorKind::kUnsupported,
                       "storage version 2.0 cannot hold packed structs with strings or binaries in "
                       "them; 2.2 can");
    }
    for (const auto& field : type.fields()) {
      options_.packed_lists.emplace_back();
      const arrow::DataType* item = field->type().get();
      while (item->id() == arrow::Type::FIXED_SIZE_LIST) {
        const auto& list = checked_cast<const arrow::FixedSizeListType&>(*item);
        options_.packed_lists.back().push_back(static_cast<uint64_t>(list.list_size()));
        item = list.value_type().get();
      }
    }
    return Status::OK();
  }

  Result<WrittenPage> Write(const arrow::Array& array, arrow::MemoryPool* pool) const {
    if (node().kind == NodeKind::kStruct) {
      if (array.null_count() > 0) return NoNullStructs();
      return encoding::v2_0::WriteStructPage(static_cast<uint64_t>(array.length()));
    }
    if (node().kind == NodeKind::kList) {
      return array.type_id() == arrow::Type::LARGE_LIST
                 ? ListPage<arrow::LargeListArray>(array, pool)
                 : ListPage<arrow::ListArray>(array, pool);
    }
    ARROW_ASSIGN_OR_RAISE(encoding::LeafRows rows, Shred(array.data(), leaf_, pool));
    if (holds_blobs()) return WriteBlobs(&rows, pool);
    if (node().kind == NodeKind::kPackedStruct && HasNulls(rows)) return NoNullStructs();
    encoding::v2_0::LeafOptions options = options_;
    options.pool = pool;
    return encoding::v2_0::WriteLeafPage(rows, leaf_.type, options);
  }

  static bool HasNulls(const encoding::LeafRows& rows) {
    for (const uint16_t def : rows.def) {
      if (def != 0) return true;
    }
    return false;
  }

  // Null is a value without bytes at position 1.
  Result<WrittenPage> WriteBlobs(encoding::LeafRows* rows, arrow::MemoryPool* pool) const {
    struct Descriptor {
      uint64_t position;
      uint64_t size;
    };
    std::vector<Descriptor> descriptors(rows->slots);
    if (rows->slots > 0)
      std::memcpy(descriptors.data(), rows->values.fixed.data(), rows->slots * sizeof(Descriptor));
    for (size_t i = 0; i < rows->def.size(); ++i) {
      if (rows->def[i] != 0) descriptors[i] = {1, 0};
    }
    rows->def.clear();
    rows->values.fixed = std::as_bytes(std::span(descriptors));
    encoding::v2_0::LeafOptions options;
    options.pool = pool;
    return encoding::v2_0::WriteLeafPage(*rows, leaf_.type, options);
  }

  const Path path_;
  LeafColumn leaf_;
  encoding::v2_0::LeafOptions options_;
};

Status AddEncoders(const FieldNode& node, Path path, Encoders* encoders) {
  if (node.kind == NodeKind::kFixedSizeListOfStruct ||
      node.field->type()->id() == arrow::Type::MAP) {
    return MakeError(ErrorKind::kUnsupported, "storage version 2.0 cannot hold values of type " +
                                                  node.field->type()->ToString() + "; 2.2 can");
  }
  path.push_back(&node);
  ARROW_ASSIGN_OR_RAISE(auto encoder, FieldEncoder::Make(path));
  encoders->push_back(std::move(encoder));
  for (const FieldNode& child : node.children)
    ARROW_RETURN_NOT_OK(AddEncoders(child, path, encoders));
  return Status::OK();
}

}  // namespace

Result<Encoders> V2_0Encoders(const FieldNode& root) {
  Encoders encoders;
  ARROW_RETURN_NOT_OK(AddEncoders(root, {}, &encoders));
  return encoders;
}

}  // namespace pilum::file
