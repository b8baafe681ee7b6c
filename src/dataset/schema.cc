#include "dataset/schema.h"

#include <algorithm>
#include <cctype>
#include <span>
#include <unordered_map>
#include <utility>

#include <arrow/util/key_value_metadata.h>

#include "bytes/byte_reader.h"
#include "dataset/logical_type.h"
#include "lance/table.pb.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

constexpr char kExtensionName[] = "ARROW:extension:name";
constexpr char kBlobV2Extension[] = "lance.blob.v2";
constexpr char kJsonExtension[] = "arrow.json";  // of the text; what is stored is a "lance.json"
constexpr int32_t kNoParent = -1;

using Message = lance::file::Field;

/// A field of the flat list, linked to its children by their places in the list.
struct Node {
  const Message* message;
  int depth;
  std::vector<size_t> children;
};

std::string Quoted(const Message& message) {
  return "field '" + message.name() + "' (id " + std::to_string(message.id()) + ")";
}

struct Tree {
  std::vector<Node> nodes;
  std::vector<size_t> roots;
};

/// Links the flat list. Parents stand before their children, so there can be no cycle.
template <typename Messages>
arrow::Result<Tree> LinkFields(const Messages& messages) {
  Tree tree;
  std::unordered_map<int32_t, size_t> places;
  for (const Message& message : messages) {
    size_t place = tree.nodes.size();
    if (message.id() < 0) return bytes::Corrupt(Quoted(message) + ": ids are not negative");
    if (!places.emplace(message.id(), place).second) {
      return bytes::Corrupt(Quoted(message) + ": another field has the same id");
    }
    tree.nodes.push_back({&message, 1, {}});
    if (message.parent_id() == kNoParent) {
      tree.roots.push_back(place);
      continue;
    }
    auto parent = places.find(message.parent_id());
    if (parent == places.end() || parent->second == place) {
      return bytes::Corrupt(Quoted(message) + ": its parent " +
                            std::to_string(message.parent_id()) +
                            " is none of the fields before it");
    }
    tree.nodes[parent->second].children.push_back(place);
    tree.nodes[place].depth = tree.nodes[parent->second].depth + 1;
    if (tree.nodes[place].depth > kMaxNesting) {
      return bytes::Corrupt(Quoted(message) + ": fields are nested more than " +
                            std::to_string(kMaxNesting) + " deep");
    }
  }
  return tree;
}

bool IsList(std::string_view type) { return type == "list" || type == "list.struct"; }

bool IsLargeList(std::string_view type) {
  return type == "large_list" || type == "large_list.struct";
}

bool IsListOfStructs(std::string_view type) { return type.starts_with("fixed_size_list:struct:"); }

FieldKind KindOf(const Field& field) {
  auto has = [&](const char* key) { return field.metadata.contains(key); };
  auto is = [&](const char* key, const char* value) {
    auto entry = field.metadata.find(key);
    return entry != field.metadata.end() && entry->second == value;
  };
  if (field.logical_type == "blob") return FieldKind::kBlobV2;
  if (field.logical_type == "json") return FieldKind::kJson;
  if (field.logical_type == "large_binary" && has("lance-encoding:blob")) return FieldKind::kBlobV1;
  if (field.logical_type != "struct") return FieldKind::kPlain;
  if (is(kExtensionName, kBlobV2Extension)) return FieldKind::kBlobV2;
  if (has("lance-encoding:packed") || is("packed", "true")) return FieldKind::kPackedStruct;
  return FieldKind::kPlain;
}

using TypeResult = arrow::Result<std::shared_ptr<arrow::DataType>>;

TypeResult StructType(const Field& field) {
  arrow::FieldVector children;
  for (const Field& child : field.children) children.push_back(child.arrow);
  return arrow::struct_(children);
}

TypeResult MapType(const std::shared_ptr<arrow::Field>& entries) {
  auto type = arrow::MapType::Make(entries);
  if (!type.ok()) return bytes::Corrupt("its entries make no map: " + type.status().message());
  return type;
}

/// The type of a list or map, whose one child says what it holds.
TypeResult ContainerType(const Field& field) {
  if (field.children.size() != 1) {
    return bytes::Corrupt("a field of type '" + field.logical_type + "' has one child, not " +
                          std::to_string(field.children.size()));
  }
  const std::shared_ptr<arrow::Field>& child = field.children.front().arrow;
  if (IsList(field.logical_type)) return arrow::list(child);
  if (IsLargeList(field.logical_type)) return arrow::large_list(child);
  if (field.logical_type == "map") return MapType(child);
  if (child->type()->id() != arrow::Type::STRUCT) {
    return bytes::Corrupt("the items of a '" + field.logical_type + "' are structs, not " +
                          child->type()->ToString());
  }
  ARROW_ASSIGN_OR_RAISE(int32_t size, ParseListSize(field.logical_type));
  return arrow::fixed_size_list(child, size);
}

/// The type users see; the children of `field` are made already.
TypeResult ArrowType(const Field& field) {
  if (field.kind == FieldKind::kBlobV2) return arrow::large_binary();
  const std::string& type = field.logical_type;
  if (type == "struct") return StructType(field);
  if (IsList(type) || IsLargeList(type) || type == "map" || IsListOfStructs(type)) {
    return ContainerType(field);
  }
  if (!field.children.empty()) {
    return bytes::Corrupt("a field of type '" + type + "' has no children, but " +
                          std::to_string(field.children.size()) + " fields name it as parent");
  }
  return ParseLogicalType(type);
}

std::shared_ptr<const arrow::KeyValueMetadata> ArrowMetadata(const Field& field) {
  auto metadata = field.metadata;
  // The extension names what is stored; what users get is the value.
  if (field.kind == FieldKind::kBlobV2) metadata.erase(kExtensionName);
  if (field.kind == FieldKind::kJson) metadata[kExtensionName] = kJsonExtension;
  if (metadata.empty()) return nullptr;
  auto result = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, value] : metadata) result->Append(key, value);
  return result;
}

arrow::Result<Field> MakeField(const Tree& tree, size_t place, const std::string& prefix) {
  const Message& message = *tree.nodes[place].message;
  const std::string path = prefix + message.name();
  Field field;
  field.id = message.id();
  field.name = message.name();
  field.logical_type = message.logical_type();
  field.nullable = message.nullable();
  for (const auto& [key, value] : message.metadata()) field.metadata[key] = value;
  field.kind = KindOf(field);
  for (size_t child : tree.nodes[place].children) {
    ARROW_ASSIGN_OR_RAISE(Field made, MakeField(tree, child, path + "."));
    field.children.push_back(std::move(made));
  }
  auto type = ArrowType(field);
  if (!type.ok()) return WithContext(type.status(), {.column = path});
  field.arrow = arrow::field(field.name, *type, field.nullable, ArrowMetadata(field));
  return field;
}

const Field* FindIn(std::span<const Field> fields, std::string_view path) {
  for (const Field& field : fields) {
    if (path == field.name) return &field;
    if (field.kind == FieldKind::kBlobV2 || !path.starts_with(field.name)) continue;
    std::string_view rest = path.substr(field.name.size());
    if (!rest.starts_with('.')) continue;
    // Names may hold dots themselves, so a prefix that leads nowhere does not end the search.
    if (const Field* found = FindIn(field.children, rest.substr(1))) return found;
  }
  return nullptr;
}

}  // namespace

const Field* Schema::Find(std::string_view path) const { return FindIn(fields, path); }

arrow::Result<Schema> MakeSchema(const lance::table::Manifest& manifest) {
  ARROW_ASSIGN_OR_RAISE(Tree tree, LinkFields(manifest.fields()));
  Schema schema;
  arrow::FieldVector arrow_fields;
  for (size_t root : tree.roots) {
    ARROW_ASSIGN_OR_RAISE(Field field, MakeField(tree, root, ""));
    arrow_fields.push_back(field.arrow);
    schema.fields.push_back(std::move(field));
  }
  std::map<std::string, std::string> sorted(manifest.schema_metadata().begin(),
                                            manifest.schema_metadata().end());
  std::shared_ptr<arrow::KeyValueMetadata> metadata;
  if (!sorted.empty()) metadata = std::make_shared<arrow::KeyValueMetadata>();
  for (const auto& [key, value] : sorted) metadata->Append(key, value);
  schema.arrow = arrow::schema(std::move(arrow_fields), std::move(metadata));
  return schema;
}

}  // namespace pilum::dataset
