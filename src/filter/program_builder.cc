#include "filter/program_builder.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <arrow/compute/exec.h>

namespace pilum::filter {

cp::Expression ColumnAt(size_t place) {
  return cp::field_ref(arrow::FieldRef(static_cast<int>(place)));
}

size_t ProgramBuilder::AddInput(Input input) {
  program_.inputs.push_back(std::move(input));
  return program_.inputs.size() - 1;
}

Value ProgramBuilder::InputAt(size_t place, uint32_t offset) const {
  return {ColumnAt(place), program_.inputs[place].type, offset};
}

Value ProgramBuilder::AddStep(Value value, std::optional<Membership> membership,
                              std::optional<Division> division) {
  Value result{ColumnAt(program_.inputs.size() + program_.steps.size()), value.type, value.offset};
  program_.steps.push_back({std::move(value.expression), std::move(value.type),
                            std::move(membership), std::move(division)});
  offsets_.push_back(value.offset);
  return result;
}

Value ProgramBuilder::Reusable(Value value) {
  return value.expression.call() == nullptr ? value : AddStep(std::move(value));
}

arrow::Status ProgramBuilder::BindStep(Step* step, const arrow::Schema& columns) const {
  auto bind = [](cp::Expression* expression, const arrow::Schema& over) -> arrow::Status {
    ARROW_ASSIGN_OR_RAISE(*expression, expression->Bind(over));
    // A constant that cannot be computed, such as 1 / 0, fails when and if a row needs it.
    auto folded = cp::FoldConstants(*expression);
    if (folded.ok()) *expression = *std::move(folded);
    return arrow::Status::OK();
  };
  ARROW_RETURN_NOT_OK(bind(&step->expression, columns));
  if (step->division) ARROW_RETURN_NOT_OK(bind(&step->division->divisor, columns));
  if (!step->membership) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(bind(&step->membership->equal, step->membership->element_schema));
  if (!step->membership->needle) return arrow::Status::OK();
  return bind(&*step->membership->needle, columns);
}

// In the order of the text, so that it is gone through once.
void ProgramBuilder::SetPositions() {
  std::vector<size_t> order(offsets_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return offsets_[a] < offsets_[b]; });
  size_t begin = 0, position = 1;
  for (size_t step : order) {
    position += source_.CountCharacters(begin, offsets_[step]);
    begin = offsets_[step];
    program_.steps[step].position = position;
  }
}

arrow::Result<std::unique_ptr<const Program>> ProgramBuilder::Finish() {
  arrow::FieldVector fields;
  for (const Input& input : program_.inputs) fields.push_back(arrow::field("", input.type));
  for (const Step& step : program_.steps) fields.push_back(arrow::field("", step.type));
  const arrow::Schema columns(fields);
  for (size_t i = 0; i < program_.steps.size(); ++i) {
    auto status = BindStep(&program_.steps[i], columns);
    if (!status.ok()) return source_.ErrorAt(offsets_[i], "not supported: " + status.message());
  }
  SetPositions();
  return std::make_unique<const Program>(std::move(program_));
}

}  // namespace pilum::filter
