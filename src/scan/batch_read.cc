#include "scan/batch_read.h"

#include <algorithm>
#include <string>
#include <utility>

#include <arrow/util/checked_cast.h>

#include "file/blob.h"
#include "io/store_path.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "rows/row_address.h"

namespace pilum::scan {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using file::FieldNode;
using file::NodeKind;

NodeKind KindOf(const dataset::Field& field) {
  switch (field.kind) {
    case dataset::FieldKind::kPackedStruct:
      return NodeKind::kPackedStruct;
    case dataset::FieldKind::kBlobV1:
      return NodeKind::kBlobV1;
    case dataset::FieldKind::kBlobV2:
      return NodeKind::kBlobV2;
    case dataset::FieldKind::kJson:
      return NodeKind::kJson;
    case dataset::FieldKind::kPlain:
      break;
  }
  return file::PlainKind(*field.arrow->type());
}

// The children of a packed struct are read by their Arrow types alone.
Status CheckPacked(const dataset::Field& field) {
  for (const auto& child : field.children) {
    if (child.kind != dataset::FieldKind::kPlain) {
      return MakeError(ErrorKind::kUnsupported, "a packed struct with field '" + child.name +
                                                    "' of another kind of storage");
    }
  }
  return Status::OK();
}

Result<FieldNode> MakeNode(const DatasetReader& dataset, const dataset::Field& field,
                           const std::vector<FragmentSelection>& fragments) {
  FieldNode node;
  node.field = field.arrow;
  node.kind = KindOf(field);
  const bool inner = file::IsInner(node.kind);
  if (!inner || dataset.manifest().file_version == dataset::FileVersion::kV2_0) {
    for (const auto& selected : fragments) {
      ARROW_ASSIGN_OR_RAISE(auto source, dataset.FindColumn(selected.fragment, field.id));
      node.sources.push_back(std::move(source));
    }
  }
  if (node.kind == NodeKind::kPackedStruct) ARROW_RETURN_NOT_OK(CheckPacked(field));
  if (!inner) return node;
  for (const auto& child : field.children) {
    ARROW_ASSIGN_OR_RAISE(FieldNode child_node, MakeNode(dataset, child, fragments));
    node.children.push_back(std::move(child_node));
  }
  return node;
}

Result<std::shared_ptr<ReadableObject>> OpenBlob(const DatasetReader& dataset,
                                                 const dataset::DataFile& data_file,
                                                 const file::BlobLocation& location) {
  constexpr uint8_t kExternal = 3;
  if (location.kind == kExternal && location.blob_id != 0)
    return dataset.OpenDataObject(location.blob_id, location.uri);
  if (location.kind == kExternal) {
    ARROW_ASSIGN_OR_RAISE(const std::string path, io::LocalPathOf(location.uri));
    const size_t slash = path.rfind('/');
    ARROW_ASSIGN_OR_RAISE(auto store, OpenLocalStore(slash == 0 ? "/" : path.substr(0, slash)));
    return store->Open(path.substr(slash + 1));
  }
  std::string stem = data_file.path;
  if (stem.ends_with(".lance")) stem.resize(stem.size() - 6);
  return dataset.OpenDataObject(data_file.base_id,
                                stem + "/" + file::SidecarName(location.blob_id));
}

file::FormatVersion FormatOf(dataset::FileVersion version) {
  switch (version) {
    case dataset::FileVersion::kV2_0:
      return file::FormatVersion::kV2_0;
    case dataset::FileVersion::kV2_1:
      return file::FormatVersion::kV2_1;
    case dataset::FileVersion::kV2_2:
      break;
  }
  return file::FormatVersion::kV2_2;
}

Result<std::shared_ptr<arrow::Array>> MakeRowColumn(const DatasetReader& dataset,
                                                    ProjectedColumn::Kind kind,
                                                    const RowSelection& selection,
                                                    const std::vector<file::Segment>& segments) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(selection.num_rows * 8, GetMemoryPool()));
  auto* out = reinterpret_cast<uint64_t*>(buffer->mutable_data());
  for (size_t s = 0; s < segments.size(); ++s) {
    const size_t fragment = selection.fragments[s].fragment;
    const uint64_t base =
        rows::MakeRowAddress(static_cast<uint32_t>(dataset.fragment(fragment).id), 0);
    std::shared_ptr<const dataset::RowIds> ids;
    std::shared_ptr<const dataset::DeletionVector> deletions;
    if (kind == ProjectedColumn::Kind::kRowId) {
      ARROW_ASSIGN_OR_RAISE(ids, dataset.RowIds(fragment));
    } else if (kind == ProjectedColumn::Kind::kRowOffset) {
      ARROW_ASSIGN_OR_RAISE(deletions, dataset.Deletions(fragment));
    }
    const uint64_t live_start = dataset.live_starts()[fragment];
    for (const Run& run : segments[s].runs) {
      for (uint32_t i = 0; i < run.count; ++i) {
        const uint64_t row = run.row + i;
        out[run.slot + i] = ids ? ids->at(row)
                            : deletions
                                ? live_start + row - (deletions->empty() ? 0 : deletions->Rank(row))
                                : base + row;
      }
    }
  }
  return arrow::MakeArray(
      ArrayData::Make(arrow::uint64(), selection.num_rows, {nullptr, std::move(buffer)}, 0));
}

}  // namespace

Result<file::FieldTree> MakeFieldTree(const DatasetReader& dataset, const dataset::Field& field,
                                      const std::vector<FragmentSelection>& fragments) {
  file::FieldTree tree;
  ARROW_ASSIGN_OR_RAISE(tree.root, MakeNode(dataset, field, fragments));
  tree.path = field.name;
  return tree;
}

Result<std::unique_ptr<BatchRead>> BatchRead::Make(std::shared_ptr<const DatasetReader> dataset,
                                                   std::shared_ptr<const Projection> projection,
                                                   RowSelection selection) {
  std::unique_ptr<BatchRead> read(new BatchRead());
  read->dataset_ = std::move(dataset);
  read->projection_ = std::move(projection);
  read->selection_ = std::move(selection);
  const DatasetReader& reader = *read->dataset_;
  auto segments = std::make_shared<std::vector<file::Segment>>();
  for (auto& selected : read->selection_.fragments) {
    segments->push_back(
        {std::move(selected.runs), reader.fragment(selected.fragment).physical_rows});
  }
  read->segments_ = segments;
  for (const auto& column : read->projection_->columns) {
    if (column.kind != ProjectedColumn::Kind::kField) {
      read->fields_.push_back(nullptr);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(file::FieldTree tree,
                          MakeFieldTree(reader, column.field, read->selection_.fragments));
    tree.segments = segments;
    tree.num_rows = read->selection_.num_rows;
    tree.in_order = read->selection_.in_order;
    tree.distinct = read->selection_.distinct;
    BatchRead* self = read.get();
    tree.open_blob = [self](size_t segment, const file::ColumnSource& source,
                            const file::BlobLocation& location) {
      const size_t fragment = self->selection_.fragments[segment].fragment;
      return OpenBlob(*self->dataset_, self->dataset_->fragment(fragment).files[source.data_file],
                      location);
    };
    ARROW_ASSIGN_OR_RAISE(
        auto field, file::MakeFieldRead(std::move(tree), FormatOf(reader.manifest().file_version),
                                        GetMemoryPool()));
    read->fields_.push_back(std::move(field));
  }
  return read;
}

Result<bool> BatchRead::Step(const std::shared_ptr<io::Fetch>& fetch) {
  bool wants = false;
  for (auto& field : fields_) {
    if (!field) continue;
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    ARROW_ASSIGN_OR_RAISE(bool field_wants, field->Step(fetch));
    wants |= field_wants;
  }
  return wants;
}

uint64_t BatchRead::value_bytes() const {
  uint64_t bytes = 0;
  for (const auto& field : fields_)
    bytes += field ? field->value_bytes() : static_cast<uint64_t>(selection_.num_rows) * 8;
  return bytes;
}

Result<std::shared_ptr<arrow::RecordBatch>> BatchRead::Finish() {
  std::vector<std::shared_ptr<arrow::Array>> columns;
  for (size_t i = 0; i < fields_.size(); ++i) {
    const ProjectedColumn& column = projection_->columns[i];
    if (!fields_[i]) {
      ARROW_ASSIGN_OR_RAISE(auto array,
                            MakeRowColumn(*dataset_, column.kind, selection_, *segments_));
      columns.push_back(std::move(array));
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(auto data, fields_[i]->Finish());
    fields_[i].reset();
    auto array = arrow::MakeArray(data);
    for (int child : column.child_path) {
      const auto& parent = arrow::internal::checked_cast<const arrow::StructArray&>(*array);
      ARROW_ASSIGN_OR_RAISE(array, parent.GetFlattenedField(child));
    }
    columns.push_back(std::move(array));
  }
  return arrow::RecordBatch::Make(projection_->schema, selection_.num_rows, std::move(columns));
}

Result<std::shared_ptr<arrow::RecordBatch>> BatchRead::Run() {
  while (true) {
    auto fetch = std::make_shared<io::Fetch>();
    ARROW_ASSIGN_OR_RAISE(bool wants, Step(fetch));
    if (!wants) break;
    ARROW_RETURN_NOT_OK(fetch->Run());
  }
  return Finish();
}

}  // namespace pilum::scan
