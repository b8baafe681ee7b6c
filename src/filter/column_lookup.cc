#include "filter/column_lookup.h"

#include <utility>

#include "error/nearest_name.h"

namespace pilum::filter {
namespace {

constexpr const char* kPseudoColumns[] = {"_rowid", "_rowaddr", "_rowoffset"};

std::string Quoted(const std::string& name) { return "\"" + name + "\""; }

arrow::Status NoSuchColumn(const SourceText& source, const Node& node, const std::string& name,
                           const arrow::FieldVector& fields, const std::string& parent) {
  std::vector<std::string> names;
  for (const auto& field : fields) names.push_back(field->name());
  std::string message = parent.empty()
                            ? "no column is named " + Quoted(name)
                            : "column " + Quoted(parent) + " has no field " + Quoted(name);
  if (std::string nearest = NearestName(name, names); !nearest.empty()) {
    message += "; did you mean " + Quoted(nearest) + "?";
  }
  if (node.flag) message += "; strings take single quotes: '" + name + "'";
  return source.ErrorAt(node.offset, message);
}

arrow::Result<std::shared_ptr<arrow::Field>> FindField(const SourceText& source, const Node& node,
                                                       const std::string& name,
                                                       const arrow::FieldVector& fields,
                                                       const std::string& parent) {
  std::shared_ptr<arrow::Field> similar;
  bool ambiguous = false;
  for (const auto& field : fields) {
    if (field->name() == name) return field;
    if (!EqualsIgnoreCase(field->name(), name)) continue;
    ambiguous |= similar != nullptr;
    similar = field;
  }
  if (ambiguous) {
    return source.ErrorAt(node.offset, "several columns differ from " + Quoted(name) +
                                           " in letter case only; write the name exactly");
  }
  if (similar == nullptr) return NoSuchColumn(source, node, name, fields, parent);
  return similar;
}

}  // namespace

arrow::Result<Input> FindColumn(const SourceText& source, const Node& node,
                                const arrow::Schema& schema) {
  arrow::FieldVector fields = schema.fields();
  for (const char* name : kPseudoColumns) {
    if (schema.GetFieldIndex(name) < 0) fields.push_back(arrow::field(name, arrow::uint64()));
  }
  Input column;
  std::string dotted;
  for (const std::string& name : node.path) {
    if (!dotted.empty() && column.type->id() != arrow::Type::STRUCT) {
      return source.ErrorAt(node.offset, Quoted(dotted) + " is " + column.type->ToString() +
                                             ", not a struct, and has no field " + Quoted(name));
    }
    ARROW_ASSIGN_OR_RAISE(auto field, FindField(source, node, name, fields, dotted));
    column.path.push_back(field->name());
    column.type = field->type();
    fields = column.type->fields();
    dotted += (dotted.empty() ? "" : ".") + field->name();
  }
  return column;
}

}  // namespace pilum::filter
