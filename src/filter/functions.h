// The table of SQL functions that filters may call.
#pragma once

#include <string>
#include <vector>

#include "filter/value.h"

namespace pilum::filter {

/// One call as written: its arguments bound, and as nodes for those that must be literals.
struct FunctionCall {
  const SourceText& source;
  const Node& node;
  std::vector<Value> args;

  uint32_t offset() const { return node.offset; }
};

struct Function {
  const char* name;
  size_t min_args;
  size_t max_args;
  arrow::Result<Value> (*bind)(const FunctionCall& call);
};

/// The function of that lower-case name, or null.
const Function* FindFunction(const std::string& name);

/// All names of the table.
std::vector<std::string> FunctionNames();

/// `node` LIKE (or, by its flag, ILIKE) with the value bound.
arrow::Result<Value> Like(const SourceText& source, const Node& node, const Value& value);

}  // namespace pilum::filter
