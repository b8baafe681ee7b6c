// The pages of one column of a 2.0 file.
//
// Immutable, and kept with the file.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/result.h>

#include "encoding/v2_0/leaf_page.h"
#include "file/field_tree.h"
#include "file/file_reader.h"

namespace pilum::file {

struct V2_0Column {
  struct Page {
    uint64_t first_slot = 0;
    uint64_t slots = 0;
    encoding::v2_0::LeafPage leaf;    // of leaf columns
    encoding::v2_0::FlatBuffer ends;  // of list columns: u64 per list
    uint64_t null_adjustment = 0;
    uint64_t num_items = 0;
    uint64_t first_item = 0;  // in the child column
  };
  std::shared_ptr<ReadableObject> object;
  uint32_t number = 0;
  NodeKind kind = NodeKind::kLeaf;
  encoding::LeafType type;
  std::vector<Page> pages;
  uint64_t slots = 0;

  /// The column as `kind` and `type` want it; kCorruptData if its pages are something else.
  static arrow::Result<std::shared_ptr<V2_0Column>> Get(const std::shared_ptr<FileReader>& file,
                                                        uint32_t number, NodeKind kind,
                                                        const encoding::LeafType& type);
};

}  // namespace pilum::file
