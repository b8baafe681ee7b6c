// The schema of a Lance table: a tree of fields with the ids that data files refer to.
//
// Lance stores fields as a flat, depth-first list with parent ids and "logical types" in text; this
// is the tree they mean, with its Arrow types. A value type, immutable after it is made.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

namespace lance::table {
class Manifest;
}

namespace pilum::dataset {

/// How a field is laid out in data files, beyond what its Arrow type says.
enum class FieldKind {
  kPlain,         ///< a leaf, or a struct/list/map made of its children
  kPackedStruct,  ///< a struct stored as one column of concatenated children
  kBlobV1,  ///< large_binary whose pages hold descriptors of values stored elsewhere in the file
  kBlobV2,  ///< stored as a packed struct of descriptors; read as large_binary
  kJson,    ///< stored as binary JSONB; read as text
};

struct Field {
  int32_t id = 0;
  std::string name;
  std::string logical_type;  ///< as stored: "int32", "fixed_size_list:float:128", …
  bool nullable = true;
  std::map<std::string, std::string> metadata;  ///< as stored
  FieldKind kind = FieldKind::kPlain;
  /// The field as users see it: Arrow type with its children's, nullability, metadata. For blob
  /// columns the type of the value (large_binary).
  std::shared_ptr<arrow::Field> arrow;
  /// Struct: its fields; list: the item; map: the entries struct. The children of a kBlobV2 field
  /// are what its writer was given; they are in no data file.
  std::vector<Field> children;
};

struct Schema {
  std::vector<Field> fields;
  std::shared_ptr<arrow::Schema> arrow;  ///< with schema metadata

  /// The field at a dotted path ("a.b"), matched exactly; null when there is none. Blobs have no
  /// parts.
  const Field* Find(std::string_view path) const;
};

/// Builds the tree from a manifest's field list. Fails with kCorruptData on ids or parents that do
/// not make a tree and kUnsupported on logical types this version does not know, naming the field.
arrow::Result<Schema> MakeSchema(const lance::table::Manifest& manifest);

}  // namespace pilum::dataset
