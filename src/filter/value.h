// A bound sub-expression, and how calls of Arrow's functions on such are made.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/compute/expression.h>
#include <arrow/compute/function_options.h>

#include "filter/ast.h"
#include "filter/source_text.h"

namespace pilum::filter {

namespace cp = arrow::compute;

struct Value {
  cp::Expression expression;
  std::shared_ptr<arrow::DataType> type;
  uint32_t offset;  ///< where it stands in the source text
  const Node* literal =
      nullptr;  ///< set for literals, whose type is free until they meet another value
};

using TypePtr = std::shared_ptr<arrow::DataType>;
using OptionsPtr = std::shared_ptr<cp::FunctionOptions>;

/// `function(args...)` with its result type; an error at `offset` where Arrow has no such kernel.
arrow::Result<Value> MakeCall(const SourceText& source, uint32_t offset,
                              const std::string& function, const std::vector<Value>& args,
                              OptionsPtr options = nullptr);

/// The same for calls known to exist and to give a boolean.
Value BooleanCall(uint32_t offset, const std::string& function, std::vector<cp::Expression> args,
                  OptionsPtr options = nullptr);

Value NullValue(const TypePtr& type, uint32_t offset);

/// `value` cast to `type`, losses refused except integer to floating point; nothing where the types
/// are equal.
Value CastTo(const Value& value, const TypePtr& type);

bool IsBoolean(const Value& value);

}  // namespace pilum::filter
