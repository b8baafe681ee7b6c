// Literals against types: which value of a type a literal is, exactly.
//
// 1.5 is no int64, 300 no int8, and '2020-01-01 00:00:00.5' no timestamp in seconds; yet each
// compares with such a column in a well-defined way. So a literal is placed among the values of the
// type it meets.
#pragma once

#include <memory>
#include <string>

#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include "filter/ast.h"
#include "filter/source_text.h"

namespace pilum::filter {

/// Where a literal lies among the values of a type.
struct Placement {
  enum class Kind { kExact, kBetween, kBelowAll, kAboveAll };
  Kind kind;
  std::shared_ptr<arrow::Scalar> scalar;  ///< kExact: the value; kBetween: the greatest one below
};

/// Places a literal other than NULL among the values of `type`; floating point takes the nearest
/// value. An error at the literal if the two cannot be compared at all. Half floats give a float32
/// scalar.
arrow::Result<Placement> PlaceLiteral(const SourceText& source, const Node& literal,
                                      const std::shared_ptr<arrow::DataType>& type);

/// The type a literal has when it meets nothing that decides: int64, uint64, double, string, …
std::shared_ptr<arrow::DataType> DefaultType(const Node& literal);

}  // namespace pilum::filter
