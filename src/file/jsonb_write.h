// JSON text on its way into a file (bytes: jsonb.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/status.h>

namespace pilum::file {

/// Appends the document that a text stands for. kInvalidArgument, with the place, if it is no JSON,
/// repeats a key in an object, nests deeper than documents are read, or has a number that is no
/// double.
arrow::Status AppendJsonb(std::string_view text, std::string* document);

/// Texts (a string array) as documents, a large_binary array.
arrow::Result<std::shared_ptr<arrow::ArrayData>> MakeJsonbArray(const arrow::ArrayData& texts,
                                                                arrow::MemoryPool* pool);

}  // namespace pilum::file
