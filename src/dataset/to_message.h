// Fragments and schemas as the messages that manifests and transactions hold. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataset/manifest.h"
#include "dataset/schema.h"
#include "lance/table.pb.h"

namespace pilum::dataset {

/// Sets what `fragment` says. Other fields of the message, unknown ones among them, stay.
void SetFragment(const Fragment& fragment, lance::table::DataFragment* message);

lance::table::DataFragment ToMessage(const Fragment& fragment);

inline constexpr int32_t kNoParent = -1;

/// A field by itself, without its children.
lance::file::Field FieldMessage(const Field& field, int32_t parent);

/// The fields of a schema as a flat list, parents before their children.
std::vector<lance::file::Field> ToMessages(const Schema& schema);

}  // namespace pilum::dataset
