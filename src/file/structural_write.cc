// The columns of 2.1 and 2.2 files on their way in: shredded rows become pages.
#include <utility>

#include "encoding/page_layout/page_writer.h"
#include "file/column_encoder.h"
#include "file/leaf_column.h"
#include "file/shred.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;

class LeafEncoder final : public ColumnEncoder {
 public:
  LeafEncoder(LeafColumn leaf, bool large_chunks)
      : leaf_(std::move(leaf)), large_chunks_(large_chunks) {}

  Result<StoredPage> Encode(const std::shared_ptr<arrow::ArrayData>& rows,
                            arrow::MemoryPool* pool) const override {
    encoding::PageOptions options{.large_chunks = large_chunks_, .pool = pool};
    ARROW_ASSIGN_OR_RAISE(options.compression, encoding::ReadRequest(*leaf_.node->field));
    if (!large_chunks_) options.compression.dictionary.reset();  // came with 2.2
    ARROW_ASSIGN_OR_RAISE(encoding::LeafRows leaves, Shred(rows, leaf_, pool));
    const auto write = holds_blobs() ? encoding::WriteBlobPage : encoding::WritePage;
    ARROW_ASSIGN_OR_RAISE(auto page, write(leaves, leaf_.scheme, leaf_.type, options));
    return StoredPage{"/lance.encodings21.PageLayout", page.layout.SerializeAsString(),
                      std::move(page.buffers), page.rows};
  }

  bool holds_blobs() const override { return leaf_.node->kind == NodeKind::kBlobV1; }

 private:
  const LeafColumn leaf_;
  const bool large_chunks_;
};

// Maps, fixed-size lists of structs and packed rows without a fixed width came with 2.2.
Status CheckHeldBy2_1(const FieldNode& node, const LeafColumn& leaf) {
  if (node.kind == NodeKind::kPackedStruct && leaf.type.shape.variable) {
    return MakeError(ErrorKind::kUnsupported,
                     "storage version 2.1 cannot hold packed structs with strings, binaries or "
                     "fixed-size lists in them; 2.2 can");
  }
  if (node.kind == NodeKind::kFixedSizeListOfStruct ||
      node.field->type()->id() == arrow::Type::MAP) {
    return MakeError(ErrorKind::kUnsupported, "storage version 2.1 cannot hold values of type " +
                                                  node.field->type()->ToString() + "; 2.2 can");
  }
  return Status::OK();
}

}  // namespace

Result<std::vector<std::unique_ptr<ColumnEncoder>>> StructuralEncoders(const FieldNode& root,
                                                                       FormatVersion version) {
  ARROW_ASSIGN_OR_RAISE(auto leaves, LeafColumns(root));
  std::vector<std::unique_ptr<ColumnEncoder>> encoders;
  for (LeafColumn& leaf : leaves) {
    if (version == FormatVersion::kV2_1) {
      for (const FieldNode* node : leaf.path) ARROW_RETURN_NOT_OK(CheckHeldBy2_1(*node, leaf));
    }
    encoders.push_back(
        std::make_unique<LeafEncoder>(std::move(leaf), version == FormatVersion::kV2_2));
  }
  return encoders;
}

Result<std::vector<std::unique_ptr<ColumnEncoder>>> MakeColumnEncoders(const FieldNode& root,
                                                                       FormatVersion version) {
  return version == FormatVersion::kV2_0 ? V2_0Encoders(root) : StructuralEncoders(root, version);
}

}  // namespace pilum::file
