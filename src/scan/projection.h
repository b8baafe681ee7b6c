// Projection: which columns a read delivers, in which order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "dataset/schema.h"

namespace pilum::scan {

/// Columns that every table has without storing them.
inline constexpr char kRowId[] = "_rowid";         ///< uint64: the row's id
inline constexpr char kRowAddress[] = "_rowaddr";  ///< uint64: fragment id << 32 | offset
inline constexpr char kRowOffset[] =
    "_rowoffset";  ///< uint64: position among the rows of the version

/// One column of the result. A value type.
struct ProjectedColumn {
  enum class Kind { kField, kRowId, kRowAddress, kRowOffset };
  Kind kind = Kind::kField;
  std::string name;
  /// The top-level field with only those descendants that are read.
  dataset::Field field;
  /// From that field down to the value delivered; empty if it is the field itself.
  std::vector<int> child_path;
};

struct Projection {
  std::vector<ProjectedColumn> columns;
  std::shared_ptr<arrow::Schema> schema;

  /// All fields of the table.
  static Projection All(const dataset::Schema& schema);
  /// The columns named: a top-level field, a nested one ("a.b", delivered under that name), or one
  /// of the names above. Unknown and repeated names are kInvalidArgument, with the nearest name.
  static arrow::Result<Projection> Make(const dataset::Schema& schema,
                                        const std::vector<std::string>& names);
  /// Reads, of each top-level field, the parts named by paths of names; delivers top-level fields
  /// with those parts. This is what evaluating a filter needs.
  static arrow::Result<Projection> MakePruned(const dataset::Schema& schema,
                                              const std::vector<std::vector<std::string>>& paths);

  /// Appends one of the columns that are not stored, unless it is there already.
  void AddRowColumn(ProjectedColumn::Kind kind);
};

}  // namespace pilum::scan
