#include "dataset/schema_write.h"

#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <arrow/extension_type.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/key_value_metadata.h>

#include "dataset/logical_type.h"
#include "dataset/to_message.h"
#include "lance/table.pb.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

using arrow::Result;
using arrow::Status;
using arrow::internal::checked_cast;

constexpr char kExtensionName[] = "ARROW:extension:name";
constexpr char kBlobExtension[] = "lance.blob.v2";
constexpr char kBlobKey[] = "lance-encoding:blob";
constexpr char kExtensionMetadata[] = "ARROW:extension:metadata";

Status CheckNames(const arrow::FieldVector& fields) {
  std::set<std::string> names;
  for (const auto& field : fields) {
    if (!names.insert(field->name()).second)
      return MakeError(ErrorKind::kInvalidArgument,
                       "there are several fields of the name '" + field->name() + "'");
  }
  return Status::OK();
}

/// A field that the format knows by the name of an extension.
bool IsExtension(const Field& field, std::string_view name) {
  const auto found = field.metadata.find(kExtensionName);
  return found != field.metadata.end() && found->second == name;
}

bool IsText(const arrow::DataType& type) {
  return type.id() == arrow::Type::STRING || type.id() == arrow::Type::LARGE_STRING;
}

/// Makes the tree of a schema, numbering fields depth first.
class FieldMaker {
 public:
  explicit FieldMaker(FileVersion version) : version_(version) {}

  Result<Field> Make(const arrow::Field& field, int depth) {
    if (depth > kMaxNesting)
      return MakeError(ErrorKind::kUnsupported,
                       "fields nest deeper than " + std::to_string(kMaxNesting) + " levels");
    Field made;
    made.id = next_id_++;
    made.name = field.name();
    made.nullable = field.nullable();
    for (int64_t i = 0; field.metadata() && i < field.metadata()->size(); ++i)
      made.metadata[field.metadata()->key(i)] = field.metadata()->value(i);
    std::shared_ptr<arrow::DataType> type = field.type();
    if (type->id() == arrow::Type::EXTENSION) {
      const auto& extension = checked_cast<const arrow::ExtensionType&>(*type);
      made.metadata[kExtensionName] = extension.extension_name();
      made.metadata[kExtensionMetadata] = extension.Serialize();
      type = extension.storage_type();
    }
    if (IsExtension(made, "arrow.json") || IsExtension(made, "lance.json")) {
      ARROW_RETURN_NOT_OK(MakeJson(*type, &made));
    } else if (IsExtension(made, kBlobExtension) || made.metadata.contains(kBlobKey)) {
      ARROW_RETURN_NOT_OK(MakeBlob(*type, depth, &made));
    } else {
      ARROW_RETURN_NOT_OK(MakeType(*type, depth, &made));
    }
    return made;
  }

 private:
  static Status MakeJson(const arrow::DataType& type, Field* made) {
    if (!IsText(type)) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "JSON is given as text, not as " + type.ToString());
    }
    made->logical_type = "json";
    made->metadata[kExtensionName] = "lance.json";
    made->metadata.try_emplace(kExtensionMetadata, "");
    return Status::OK();
  }

  // From 2.2 on, blobs are the structs of version 2, whatever they are given as.
  Status MakeBlob(const arrow::DataType& type, int depth, Field* made) {
    const bool given_as_struct = type.id() == arrow::Type::STRUCT;
    if (!given_as_struct && type.id() != arrow::Type::LARGE_BINARY &&
        type.id() != arrow::Type::BINARY) {
      return MakeError(ErrorKind::kInvalidArgument,
                       "blobs are given as large_binary, not as " + type.ToString());
    }
    if (version_ == FileVersion::kV2_2) {
      static const auto kParts = arrow::struct_(
          {arrow::field("data", arrow::large_binary()), arrow::field("uri", arrow::utf8())});
      made->metadata.erase(kBlobKey);
      made->metadata[kExtensionName] = kBlobExtension;
      return MakeType(given_as_struct ? type : *kParts, depth, made);
    }
    if (given_as_struct) {
      return MakeError(ErrorKind::kUnsupported,
                       "blobs of the type lance.blob.v2 need storage version 2.2");
    }
    made->logical_type = "large_binary";
    return Status::OK();
  }

  Status MakeType(const arrow::DataType& type, int depth, Field* made) {
    switch (type.id()) {
      case arrow::Type::STRUCT:
        made->logical_type = "struct";
        ARROW_RETURN_NOT_OK(CheckNames(type.fields()));
        return MakeChildren(type, depth, made);
      case arrow::Type::LIST:
      case arrow::Type::LARGE_LIST:
        ARROW_RETURN_NOT_OK(MakeChildren(type, depth, made));
        made->logical_type = type.id() == arrow::Type::LIST ? "list" : "large_list";
        if (made->children[0].logical_type == "struct") made->logical_type += ".struct";
        return Status::OK();
      case arrow::Type::MAP:
        made->logical_type = "map";
        return MakeChildren(type, depth, made);
      case arrow::Type::FIXED_SIZE_LIST:
        if (type.field(0)->type()->id() == arrow::Type::STRUCT) {
          made->logical_type =
              "fixed_size_list:struct:" +
              std::to_string(checked_cast<const arrow::FixedSizeListType&>(type).list_size());
          return MakeChildren(type, depth, made);
        }
        break;
      default:
        break;
    }
    ARROW_ASSIGN_OR_RAISE(made->logical_type, FormatLogicalType(type));
    return Status::OK();
  }

  Status MakeChildren(const arrow::DataType& type, int depth, Field* made) {
    for (const auto& field : type.fields()) {
      auto child = Make(*field, depth + 1);
      if (!child.ok()) return child.status();
      made->children.push_back(*std::move(child));
    }
    return Status::OK();
  }

  const FileVersion version_;
  int32_t next_id_ = 0;
};

}  // namespace

Result<Schema> SchemaFromArrow(const arrow::Schema& schema, FileVersion version) {
  ARROW_RETURN_NOT_OK(CheckNames(schema.fields()));
  Schema made;
  FieldMaker maker(version);
  for (const auto& field : schema.fields()) {
    auto child = maker.Make(*field, 1);
    if (!child.ok()) return WithContext(child.status(), {.column = field->name()});
    made.fields.push_back(*std::move(child));
  }
  // Types as a reader makes them of what will be written.
  lance::table::Manifest manifest;
  for (auto& message : ToMessages(made)) *manifest.add_fields() = std::move(message);
  for (int64_t i = 0; schema.metadata() && i < schema.metadata()->size(); ++i)
    (*manifest.mutable_schema_metadata())[schema.metadata()->key(i)] = schema.metadata()->value(i);
  return MakeSchema(manifest);
}

}  // namespace pilum::dataset
