#include "write/file_schema.h"

#include <string>
#include <utility>

#include "dataset/to_message.h"
#include "pilum/error.h"

namespace pilum::write {
namespace {

using arrow::Status;
using dataset::FieldKind;

void AddMessages(const dataset::Field& field, int32_t parent, lance::file::Schema* message);

/// What a file of blobs says about itself: their descriptors, as the reference library has it.
void AddBlobMessages(const dataset::Field& field, int32_t parent, lance::file::Schema* message) {
  constexpr int32_t kNone = -1;
  dataset::Field described = field;
  described.kind = FieldKind::kPlain;
  described.children.clear();
  described.metadata.erase("ARROW:extension:name");
  described.metadata.erase("ARROW:extension:metadata");
  described.metadata["lance-encoding:blob"] = described.metadata["lance-encoding:packed"] = "true";
  AddMessages(described, parent, message);
  const std::pair<const char*, const char*> parts[] = {{"kind", "uint8"},
                                                       {"position", "uint64"},
                                                       {"size", "uint64"},
                                                       {"blob_id", "uint32"},
                                                       {"blob_uri", "string"}};
  for (const auto& [name, type] : parts) {
    dataset::Field part{.id = kNone, .name = name, .logical_type = type, .nullable = false};
    AddMessages(part, kNone, message);
  }
}

void AddMessages(const dataset::Field& field, int32_t parent, lance::file::Schema* message) {
  if (field.kind == FieldKind::kBlobV2) return AddBlobMessages(field, parent, message);
  *message->add_fields() = dataset::FieldMessage(field, parent);
  for (const auto& child : field.children) AddMessages(child, field.id, message);
}

file::NodeKind NodeKindOf(const dataset::Field& field) {
  switch (field.kind) {
    case FieldKind::kPackedStruct:
      return file::NodeKind::kPackedStruct;
    case FieldKind::kBlobV1:
      return file::NodeKind::kBlobV1;
    case FieldKind::kBlobV2:
      return file::NodeKind::kBlobV2;
    case FieldKind::kJson:
      return file::NodeKind::kJson;
    case FieldKind::kPlain:
      break;
  }
  return file::PlainKind(*field.arrow->type());
}

file::FieldNode NodeOf(const dataset::Field& field) {
  file::FieldNode node{.field = field.arrow, .kind = NodeKindOf(field)};
  if (file::IsInner(node.kind)) {
    for (const auto& child : field.children) node.children.push_back(NodeOf(child));
  }
  return node;
}

/// The ids of the fields that are columns of a file.
void AddColumnIds(const dataset::Field& field, bool inner_too, std::vector<int32_t>* ids) {
  const bool inner = file::IsInner(NodeKindOf(field));
  if (!inner || inner_too) ids->push_back(field.id);
  for (const auto& child : field.children) {
    if (inner) AddColumnIds(child, inner_too, ids);
  }
}

bool IsBlob(const dataset::Field& field) {
  return field.kind == FieldKind::kBlobV1 || field.kind == FieldKind::kBlobV2;
}

/// Blobs may be the fields of structs, and have no place in lists.
Status CheckBlobs(const dataset::Field& field, bool in_list) {
  if (IsBlob(field)) {
    if (!in_list) return Status::OK();
    return MakeError(ErrorKind::kUnsupported, "blobs inside lists cannot be written");
  }
  in_list |= field.kind == FieldKind::kPlain && !field.children.empty() &&
             file::PlainKind(*field.arrow->type()) != file::NodeKind::kStruct;
  for (const auto& child : field.children) ARROW_RETURN_NOT_OK(CheckBlobs(child, in_list));
  return Status::OK();
}

}  // namespace

Status CheckWritable(const dataset::Schema& schema) {
  for (const auto& field : schema.fields)
    ARROW_RETURN_NOT_OK(WithContext(CheckBlobs(field, false), {.column = field.name}));
  return Status::OK();
}

lance::file::Schema FileSchema(const dataset::Schema& schema) {
  lance::file::Schema message;
  for (const auto& field : schema.fields) AddMessages(field, dataset::kNoParent, &message);
  const auto& metadata = schema.arrow->metadata();
  for (int64_t i = 0; metadata && i < metadata->size(); ++i)
    (*message.mutable_metadata())[metadata->key(i)] = metadata->value(i);
  return message;
}

std::vector<file::FieldNode> FieldNodes(const dataset::Schema& schema) {
  std::vector<file::FieldNode> nodes;
  for (const auto& field : schema.fields) nodes.push_back(NodeOf(field));
  return nodes;
}

std::vector<int32_t> ColumnIds(const dataset::Schema& schema, dataset::FileVersion version) {
  std::vector<int32_t> ids;
  for (const auto& field : schema.fields)
    AddColumnIds(field, version == dataset::FileVersion::kV2_0, &ids);
  return ids;
}

}  // namespace pilum::write
