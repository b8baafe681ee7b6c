// Lance's logical types: Arrow types written as text ("timestamp:us:UTC").
//
//   "int32"  "decimal:128:10:2"  "dict:string:int16:false"
//   "fixed_size_list:fixed_size_list:float:2:3"
//
// This module reads and writes the ones that are complete in their text. Those that need child
// fields (structs, lists, maps) are put together by schema.cc and taken apart by schema_write.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <arrow/result.h>
#include <arrow/type.h>

namespace pilum::dataset {

/// Types and fields nest at most this deep.
inline constexpr int kMaxNesting = 64;

/// The Arrow type that `text` says. Fails with kUnsupported on types this version does not know and
/// with kCorruptData on parameters that no such type can have.
arrow::Result<std::shared_ptr<arrow::DataType>> ParseLogicalType(std::string_view text);

/// The text for a type; views are written as what they view. Fails with kUnsupported on types that
/// have none.
arrow::Result<std::string> FormatLogicalType(const arrow::DataType& type);

/// The n of "fixed_size_list:<item>:<n>"; at least 1.
arrow::Result<int32_t> ParseListSize(std::string_view logical_type);

}  // namespace pilum::dataset
