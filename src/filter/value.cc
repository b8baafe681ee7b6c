#include "filter/value.h"

#include <arrow/compute/cast.h>

namespace pilum::filter {

arrow::Result<Value> MakeCall(const SourceText& source, uint32_t offset,
                              const std::string& function, const std::vector<Value>& args,
                              OptionsPtr options) {
  // Only the types of the arguments matter for the type of the result: columns stand in for them.
  std::vector<cp::Expression> arguments, stand_ins;
  arrow::FieldVector fields;
  std::string types;
  for (const Value& arg : args) {
    arguments.push_back(arg.expression);
    stand_ins.push_back(cp::field_ref(arrow::FieldRef(static_cast<int>(fields.size()))));
    fields.push_back(arrow::field(std::to_string(fields.size()), arg.type));
    types += (types.empty() ? "" : ", ") + arg.type->ToString();
  }
  auto bound = cp::call(function, std::move(stand_ins), options).Bind(arrow::Schema(fields));
  if (!bound.ok()) {
    return source.ErrorAt(
        offset, function + " is not supported for (" + types + "): " + bound.status().message());
  }
  return Value{cp::call(function, std::move(arguments), std::move(options)),
               bound->type()->GetSharedPtr(), offset};
}

Value BooleanCall(uint32_t offset, const std::string& function, std::vector<cp::Expression> args,
                  OptionsPtr options) {
  return {cp::call(function, std::move(args), std::move(options)), arrow::boolean(), offset};
}

Value NullValue(const TypePtr& type, uint32_t offset) {
  return {cp::literal(arrow::MakeNullScalar(type)), type, offset};
}

Value CastTo(const Value& value, const TypePtr& type) {
  if (value.type->Equals(*type)) return value;
  if (value.type->id() == arrow::Type::NA) return NullValue(type, value.offset);
  auto options = std::make_shared<cp::CastOptions>(cp::CastOptions::Safe(type));
  options->allow_float_truncate = arrow::is_floating(type->id());
  return {cp::call("cast", {value.expression}, std::move(options)), type, value.offset};
}

bool IsBoolean(const Value& value) {
  return value.type->id() == arrow::Type::BOOL || value.type->id() == arrow::Type::NA;
}

}  // namespace pilum::filter
