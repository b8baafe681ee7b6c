// Puts a program together: all inputs first, then step by step.
#pragma once

#include <memory>
#include <optional>

#include "filter/program.h"
#include "filter/source_text.h"
#include "filter/value.h"

namespace pilum::filter {

class ProgramBuilder {
 public:
  explicit ProgramBuilder(const SourceText& source) : source_(source) {}

  /// The place of one more input. None can follow a step, whose places are behind the inputs.
  size_t AddInput(Input input);
  Value InputAt(size_t place, uint32_t offset) const;

  /// Computes `value` now; what comes back is a column.
  Value AddStep(Value value, std::optional<Membership> membership = std::nullopt,
                std::optional<Division> division = std::nullopt);

  /// `value` in a form that costs nothing to use twice.
  Value Reusable(Value value);

  /// The program, whose result is the last step. Ends the builder.
  arrow::Result<std::unique_ptr<const Program>> Finish();

 private:
  arrow::Status BindStep(Step* step, const arrow::Schema& columns) const;
  void SetPositions();

  const SourceText& source_;
  Program program_;
  std::vector<uint32_t> offsets_;  // of the steps in the text
};

/// Column `place` of what a program has read and computed so far.
cp::Expression ColumnAt(size_t place);

}  // namespace pilum::filter
