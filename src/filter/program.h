// What a bound expression is at run time: Arrow expressions, one after the other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "filter/value.h"

namespace pilum::filter {

/// A leaf field that the program reads, with the validity of the structs around it applied.
struct Input {
  std::vector<std::string> path;
  TypePtr type;
};

/// Turns the lists of a step into "has an element for which `equal` holds".
struct Membership {
  cp::Expression equal;          ///< over `element_schema`
  arrow::Schema element_schema;  ///< (element, needle)
  std::optional<cp::Expression>
      needle;  ///< over the inputs and earlier steps; none: `equal` knows it
};

/// Divides a step, a decimal256, by another.
struct Division {
  cp::Expression divisor;  ///< over the inputs and earlier steps
  bool remainder;          ///< this is the result, not the quotient
};

/// Computes one more column from the inputs and the results of earlier steps.
struct Step {
  cp::Expression expression;
  TypePtr type;
  std::optional<Membership> membership = {};
  std::optional<Division> division = {};
  size_t position = 0;  ///< in the text, counted in characters from 1: errors point at it
};

/// Immutable once made; its last step is the result.
struct Program {
  std::vector<Input> inputs;
  std::vector<Step> steps;
};

/// The result for each row of `batch`.
arrow::Result<std::shared_ptr<arrow::Array>> Run(const Program& program,
                                                 const arrow::RecordBatch& batch);

}  // namespace pilum::filter
