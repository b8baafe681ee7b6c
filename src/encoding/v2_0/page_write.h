// Writing pages of the 2.0 format (forms: leaf_page.h).
//
//   LeafRows ─► fixed         one buffer, behind those of the validity
//            ─► binary        ends | bytes, which may be compressed as a whole, or each by symbols
//            ─► dictionary    of texts that repeat, and of Arrow dictionaries
#pragma once

#include <memory>
#include <span>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/choose/choose.h"
#include "encoding/leaf_builder.h"
#include "encoding/leaf_rows.h"
#include "lance/encodings.pb.h"

namespace pilum::encoding::v2_0 {

struct WrittenPage {
  lance::encodings::ArrayEncoding encoding;
  std::vector<std::shared_ptr<arrow::Buffer>> buffers;
  uint64_t slots = 0;
};

/// What a page of a leaf column has to know beyond its rows.
struct LeafOptions {
  bool is_text = false;  ///< strings, which are worth a dictionary
  /// Of packed structs: per field, the sizes of its fixed-size lists, outermost first.
  std::vector<std::vector<uint64_t>> packed_lists;
  CompressionRequest compression;
  arrow::MemoryPool* pool = arrow::default_memory_pool();
};

/// A page of a leaf column: rows without levels but for nulls.
arrow::Result<WrittenPage> WriteLeafPage(const LeafRows& rows, const LeafType& type,
                                         const LeafOptions& options);

/// A page of a list column: where each list ends among the items of the page, and which are null.
/// `validity` has a byte per list, or is empty: none is null.
WrittenPage WriteListPage(std::span<const uint64_t> ends, std::span<const uint8_t> validity,
                          arrow::MemoryPool* pool);

/// A page of a struct column, which says how many there are.
WrittenPage WriteStructPage(uint64_t slots);

}  // namespace pilum::encoding::v2_0
