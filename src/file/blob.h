// Blob columns: descriptors in the column, values elsewhere.
//
//   v1   (u64 position, u64 size) into the data file; size 0 with a position other than 0 is null
//   v2   u8 kind | u64 position | u64 size | u32 blob id | u32 length + uri
//        kind 0 inline: in the data file; 1 packed: a range of a sidecar; 2 dedicated: a whole
//        sidecar; 3 external: a URI (size 0 = the whole object); 4 managed: a range of an object
//        named by base and path
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/leaf_builder.h"
#include "file/field_tree.h"
#include "io/fetch.h"

namespace pilum::file {

/// The values behind a column of descriptors. One owner.
class BlobValues {
 public:
  /// Parses descriptors and adds the reads. `segment_of` gives the segment of each slot; `files`
  /// the data file of each segment.
  static arrow::Result<std::unique_ptr<BlobValues>> Make(
      NodeKind kind, const encoding::LeafData& descriptors,
      const std::shared_ptr<arrow::Buffer>& validity, const std::vector<uint32_t>& segment_of,
      const std::vector<std::shared_ptr<ReadableObject>>& files, const BlobOpener& open,
      const std::shared_ptr<io::Fetch>& fetch);

  /// The values as large_binary, once the fetch has been run.
  arrow::Result<std::shared_ptr<arrow::ArrayData>> Finish(arrow::MemoryPool* pool);

 private:
  struct Value {
    bool null = false;
    bool fetched = false;
    io::Fetch::Id id = 0;
  };

  std::vector<Value> values_;
  std::shared_ptr<io::Fetch> fetch_;
};

}  // namespace pilum::file
