#include "dataset/schema_write.h"

#include <set>
#include <string>
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

// Values of these types have no Arrow type in Lance that holds the same.
Status CheckKnown(const Field& made) {
  const bool blob = made.metadata.contains("lance-encoding:blob") || made.logical_type == "blob";
  const auto extension = made.metadata.find(kExtensionName);
  const std::string name = extension == made.metadata.end() ? "" : extension->second;
  if (blob || name == "lance.blob.v2" || name == "arrow.json" || name == "lance.json" ||
      made.metadata.contains("lance-encoding:packed") || made.metadata.contains("packed")) {
    return MakeError(ErrorKind::kUnsupported,
                     "writing blob, JSON and packed struct columns is not supported yet");
  }
  return Status::OK();
}

/// Makes the tree of a schema, numbering fields depth first.
class FieldMaker {
 public:
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
    ARROW_RETURN_NOT_OK(MakeType(*type, depth, &made));
    ARROW_RETURN_NOT_OK(CheckKnown(made));
    return made;
  }

 private:
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

  int32_t next_id_ = 0;
};

}  // namespace

Result<Schema> SchemaFromArrow(const arrow::Schema& schema) {
  ARROW_RETURN_NOT_OK(CheckNames(schema.fields()));
  Schema made;
  FieldMaker maker;
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
