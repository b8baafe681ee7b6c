// Filters and value expressions: SQL text, bound to a schema and evaluated on record batches.
//
//   text ─ scanner ─► prepared SQL ─ parser ─► AST ─ binder ─► Program ─ evaluate ─► array, row
//   numbers
//
// Parsing and binding happen once; evaluating a batch runs bound Arrow kernels only. An Expression
// is immutable: share it between threads freely.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/api.h>

namespace pilum::filter {

struct Program;

/// A predicate or value expression bound to a schema.
class Expression {
 public:
  /// Parses `sql` and binds it to the columns of `schema`; the uint64 pseudo columns _rowid,
  /// _rowaddr and _rowoffset exist besides. Errors are kInvalidArgument and name the position in
  /// the text, counted in characters from 1. Anything but a boolean is refused.
  static arrow::Result<std::shared_ptr<const Expression>> ParsePredicate(
      std::string_view sql, const arrow::Schema& schema);

  /// The same for an expression of any type, such as a computed column.
  static arrow::Result<std::shared_ptr<const Expression>> ParseValue(std::string_view sql,
                                                                     const arrow::Schema& schema);

  ~Expression();

  const std::shared_ptr<arrow::DataType>& type() const;

  /// What a scan must fetch: field paths such as {"a", "b"} for a.b, sorted, without repeats.
  const std::vector<std::vector<std::string>>& columns() const { return columns_; }

  /// The value for every row of `batch`, whose columns are found by name; struct columns may come
  /// with the needed children only. Errors name the position in the text, too.
  arrow::Result<std::shared_ptr<arrow::Array>> Evaluate(const arrow::RecordBatch& batch) const;

  /// The rows, ascending, for which a predicate is TRUE: neither FALSE nor NULL.
  arrow::Result<std::vector<uint32_t>> Select(const arrow::RecordBatch& batch) const;

  /// The text in a normal form: the same for texts that differ in spaces, comments and quoting of
  /// names only. Fit for messages and, together with the schema, as a key of caches.
  const std::string& ToString() const { return text_; }

 private:
  Expression(std::unique_ptr<const Program> program, std::string text);
  static arrow::Result<std::shared_ptr<const Expression>> Parse(std::string_view sql,
                                                                const arrow::Schema& schema,
                                                                bool predicate);

  std::unique_ptr<const Program> program_;
  std::vector<std::vector<std::string>> columns_;
  std::string text_;
};

}  // namespace pilum::filter
