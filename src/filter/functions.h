// The table of SQL functions that filters may call.
#pragma once

#include <string>
#include <vector>

#include "filter/program_builder.h"
#include "filter/value.h"

namespace pilum::filter {

/// One call as written: its arguments bound, and as nodes for those that must be literals.
struct FunctionCall {
  const SourceText& source;
  const Node& node;
  ProgramBuilder& program;
  std::vector<Value> args;

  uint32_t offset() const { return node.offset; }
};

enum class Evaluation {
  kTotal,       ///< gives a value for all arguments
  kCanFail,     ///< may be an error of the evaluation, hence must not see rows that do not need it
  kUntilValid,  ///< needs an argument only in rows where all before it are NULL
};

struct Function {
  const char* name;
  size_t min_args;
  size_t max_args;
  arrow::Result<Value> (*bind)(const FunctionCall& call);
  Evaluation evaluation = Evaluation::kTotal;
};

/// The function of that lower-case name, or null.
const Function* FindFunction(const std::string& name);

/// Whether calls of the function by that lower-case name can fail.
bool CanFail(const std::string& name);

/// All names of the table.
std::vector<std::string> FunctionNames();

/// `node` LIKE (or, by its flag, ILIKE) with the value bound.
arrow::Result<Value> Like(const SourceText& source, const Node& node, const Value& value);

}  // namespace pilum::filter
