#include "scan/projection.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <arrow/util/checked_cast.h>

#include "error/nearest_name.h"
#include "pilum/error.h"

namespace pilum::scan {
namespace {

using arrow::Result;
using Kind = ProjectedColumn::Kind;

constexpr std::pair<const char*, Kind> kRowColumns[] = {
    {kRowId, Kind::kRowId}, {kRowAddress, Kind::kRowAddress}, {kRowOffset, Kind::kRowOffset}};

std::shared_ptr<arrow::Schema> SchemaOf(const std::vector<ProjectedColumn>& columns,
                                        const dataset::Schema& schema) {
  arrow::FieldVector fields;
  for (const auto& column : columns) {
    if (column.kind != Kind::kField) {
      fields.push_back(arrow::field(column.name, arrow::uint64()));
      continue;
    }
    std::shared_ptr<arrow::Field> field = column.field.arrow;
    bool nullable = field->nullable();
    for (int child : column.child_path) {
      field = field->type()->field(child);
      nullable |= field->nullable();
    }
    fields.push_back(
        column.child_path.empty() ? field : field->WithName(column.name)->WithNullable(nullable));
  }
  return arrow::schema(std::move(fields), schema.arrow->metadata());
}

ProjectedColumn RowColumn(Kind kind) {
  for (const auto& [name, row_kind] : kRowColumns) {
    if (row_kind == kind) return {.kind = kind, .name = name};
  }
  return {};
}

arrow::Status UnknownColumn(const dataset::Schema& schema, const std::string& name) {
  std::string message = "column '" + name + "' does not exist";
  const std::string nearest = NearestName(name, schema.arrow->field_names());
  if (!nearest.empty()) message += "; did you mean '" + nearest + "'?";
  return MakeError(ErrorKind::kInvalidArgument, std::move(message), {.column = name});
}

std::vector<std::string> SplitPath(const std::string& path) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', start)) {
    parts.push_back(path.substr(start, dot - start));
    start = dot + 1;
  }
  parts.push_back(path.substr(start));
  return parts;
}

bool IsPlainStruct(const dataset::Field& field) {
  return field.kind == dataset::FieldKind::kPlain &&
         field.arrow->type()->id() == arrow::Type::STRUCT;
}

/// A tree of the names wanted below a field; without children everything is.
struct Wanted {
  std::map<std::string, Wanted> children;
  bool whole = false;
};

// The field with only the wanted children, in the order of the schema.
dataset::Field Prune(const dataset::Field& field, const Wanted& wanted) {
  if (wanted.whole || !IsPlainStruct(field)) return field;
  dataset::Field pruned = field;
  pruned.children.clear();
  arrow::FieldVector arrow_children;
  for (const auto& child : field.children) {
    auto it = wanted.children.find(child.name);
    if (it == wanted.children.end()) continue;
    pruned.children.push_back(Prune(child, it->second));
    arrow_children.push_back(pruned.children.back().arrow);
  }
  if (pruned.children.empty()) return field;
  pruned.arrow = field.arrow->WithType(arrow::struct_(arrow_children));
  return pruned;
}

const dataset::Field* FindChild(const std::vector<dataset::Field>& fields,
                                const std::string& name) {
  auto it =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == name; });
  return it == fields.end() ? nullptr : &*it;
}

Result<ProjectedColumn> FindColumn(const dataset::Schema& schema, const std::string& name) {
  if (const auto* field = FindChild(schema.fields, name))
    return ProjectedColumn{.name = name, .field = *field};
  for (const auto& [row_name, kind] : kRowColumns) {
    if (name == row_name) return RowColumn(kind);
  }
  const std::vector<std::string> parts = SplitPath(name);
  const dataset::Field* field = FindChild(schema.fields, parts[0]);
  if (!field || parts.size() == 1) return UnknownColumn(schema, name);
  Wanted wanted;
  Wanted* at = &wanted;
  const dataset::Field* parent = field;
  for (size_t i = 1; i < parts.size(); ++i) {
    if (!IsPlainStruct(*parent)) return UnknownColumn(schema, name);
    parent = FindChild(parent->children, parts[i]);
    if (!parent) return UnknownColumn(schema, name);
    at = &at->children[parts[i]];
  }
  at->whole = true;
  return ProjectedColumn{.name = name,
                         .field = Prune(*field, wanted),
                         .child_path = std::vector<int>(parts.size() - 1, 0)};
}

}  // namespace

Projection Projection::All(const dataset::Schema& schema) {
  Projection projection;
  for (const auto& field : schema.fields)
    projection.columns.push_back({.name = field.name, .field = field});
  projection.schema = schema.arrow;
  return projection;
}

Result<Projection> Projection::Make(const dataset::Schema& schema,
                                    const std::vector<std::string>& names) {
  Projection projection;
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) {
      return MakeError(ErrorKind::kInvalidArgument, "column '" + name + "' is asked for twice",
                       {.column = name});
    }
    ARROW_ASSIGN_OR_RAISE(ProjectedColumn column, FindColumn(schema, name));
    projection.columns.push_back(std::move(column));
  }
  projection.schema = SchemaOf(projection.columns, schema);
  return projection;
}

Result<Projection> Projection::MakePruned(const dataset::Schema& schema,
                                          const std::vector<std::vector<std::string>>& paths) {
  Wanted wanted;
  Projection projection;
  for (const auto& path : paths) {
    Wanted* at = &wanted;
    for (const std::string& part : path) at = &at->children[part];
    at->whole = true;
  }
  for (const auto& [name, parts] : wanted.children) {
    ARROW_ASSIGN_OR_RAISE(ProjectedColumn column, FindColumn(schema, name));
    if (column.kind == Kind::kField) column.field = Prune(column.field, parts);
    projection.columns.push_back(std::move(column));
  }
  projection.schema = SchemaOf(projection.columns, schema);
  return projection;
}

void Projection::AddRowColumn(Kind kind) {
  const bool there =
      std::any_of(columns.begin(), columns.end(), [&](const auto& c) { return c.kind == kind; });
  if (there) return;
  columns.push_back(RowColumn(kind));
  auto fields = schema->fields();
  fields.push_back(arrow::field(columns.back().name, arrow::uint64()));
  schema = arrow::schema(std::move(fields), schema->metadata());
}

}  // namespace pilum::scan
