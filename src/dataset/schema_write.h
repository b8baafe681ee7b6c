// From Arrow schemas to Lance's.
#pragma once

#include <memory>

#include <arrow/result.h>
#include <arrow/type.h>

#include "dataset/manifest.h"
#include "dataset/schema.h"

namespace pilum::dataset {

/// The schema of a new table, with field ids from 0 on. Its Arrow types are those that a reader
/// will see: views become plain strings and binaries, extension types their storage with the
/// extension in the metadata. JSON and blobs are told by extension or metadata; how blobs are kept
/// depends on the storage version. Fails with kUnsupported, naming the field, on types that Lance does
/// not have, and with kInvalidArgument on names that occur twice.
arrow::Result<Schema> SchemaFromArrow(const arrow::Schema& schema, FileVersion version);

}  // namespace pilum::dataset
