// FieldTree: what to read for one field of the result, and from which columns of which files.
//
// The scan makes it from the table's schema and the fragments concerned; the file module turns it
// into an Arrow array. Rows come in segments, one per fragment: sources and segments are parallel
// lists.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "encoding/page_layout/page_layout.h"
#include "file/file_reader.h"
#include "pilum/storage.h"

namespace pilum::file {

using encoding::Run;

/// How a node is stored.
enum class NodeKind {
  kLeaf,                   ///< one column of values
  kStruct,                 ///< its children
  kList,                   ///< list, large_list or map: one child
  kFixedSizeListOfStruct,  ///< one child, a struct; the columns below have a slot per item
  kPackedStruct,           ///< one column of concatenated children
  kBlobV1,                 ///< one column of (position, size) into the same file
  kBlobV2,                 ///< one column of descriptors (see blob.h)
  kJson,                   ///< one column of documents (see jsonb.h)
};

/// Whether a node is made of its children rather than of a column of values.
inline bool IsInner(NodeKind kind) {
  return kind == NodeKind::kStruct || kind == NodeKind::kList ||
         kind == NodeKind::kFixedSizeListOfStruct;
}

/// The kind of a field that nothing but its Arrow type says something about.
NodeKind PlainKind(const arrow::DataType& type);

/// A column of a file; without a file the field is not in the fragment and reads as null.
struct ColumnSource {
  std::shared_ptr<FileReader> file;
  uint32_t column = 0;
  uint32_t data_file = 0;  ///< which one of the fragment's it is
};

struct FieldNode {
  std::shared_ptr<arrow::Field> field;
  NodeKind kind = NodeKind::kLeaf;
  std::vector<FieldNode> children;
  /// Per segment. Nodes that are no column of their own (structs and lists from 2.1 on) have none.
  std::vector<ColumnSource> sources;
};

/// Where a blob is that its data file does not hold: in a sidecar by number, or under a URI.
struct BlobLocation {
  uint8_t kind = 0;
  uint32_t blob_id = 0;
  std::string uri;
};
/// Opens that, for a descriptor found in a column of segment `segment`.
using BlobOpener = std::function<arrow::Result<std::shared_ptr<ReadableObject>>(
    size_t segment, const ColumnSource& source, const BlobLocation& location)>;

/// Rows of one fragment: ascending runs of physical rows with their slots in the result.
struct Segment {
  std::vector<Run> runs;
  uint64_t physical_rows = 0;  ///< of the fragment, deleted ones included
};

struct FieldTree {
  FieldNode root;
  std::shared_ptr<const std::vector<Segment>> segments;  ///< shared by all fields of a read
  int64_t num_rows = 0;                                  ///< slots of the result
  bool in_order = true;  ///< slots ascend over runs and segments without gaps or repeats
  bool distinct = true;  ///< no row has two slots
  std::string path;      ///< dotted, for messages
  BlobOpener open_blob;
};

}  // namespace pilum::file
