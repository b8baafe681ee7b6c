// Blob columns: descriptors in the column, values elsewhere.
//
//   v1   (u64 position, u64 size) into the data file; size 0 with a position other than 0 is null
//   v2   u8 kind | u64 position | u64 size | u32 blob id | u32 length + uri
//        kind 0 inline: in the data file; 1 packed: a range of a sidecar; 2 dedicated: a whole
//        sidecar; 3 external: a URI (size 0 = the whole object). Tables with kind 4, managed, are
//        refused by their feature flag.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array/data.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/leaf_builder.h"
#include "file/field_tree.h"
#include "io/fetch.h"

namespace pilum::file {

/// The name of the sidecar with this number: its bits, lowest first.
std::string SidecarName(uint32_t blob_id);

/// Where the values of a column are.
struct BlobColumn {
  NodeKind kind = NodeKind::kBlobV2;
  const encoding::LeafData& descriptors;
  std::shared_ptr<arrow::Buffer> validity;   ///< of the slots; null = all valid
  std::vector<uint32_t> segment_of;          ///< per slot
  const std::vector<ColumnSource>& sources;  ///< per segment
  /// No row has two slots. Values that a table keeps itself are then apart from each other, and
  /// cannot be more bytes than what holds them.
  bool distinct_rows = false;
};

/// The values behind a column of descriptors. One owner.
class BlobValues {
 public:
  /// Parses descriptors and adds the reads.
  static arrow::Result<std::unique_ptr<BlobValues>> Make(const BlobColumn& column,
                                                         const BlobOpener& open,
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
