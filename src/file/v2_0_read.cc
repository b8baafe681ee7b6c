#include "file/v2_0_read.h"

#include <algorithm>
#include <string>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include "encoding/v2_0/leaf_page.h"
#include "file/blob.h"
#include "file/column_reader.h"
#include "file/layer_array.h"
#include "file/leaf_array.h"
#include "file/row_order.h"
#include "lance/parse_message.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using encoding::v2_0::FlatBuffer;
using encoding::v2_0::LeafPage;

/// The pages of one column of a 2.0 file. Kept with the file; immutable.
struct Column {
  struct Page {
    uint64_t first_slot = 0;
    uint64_t slots = 0;
    LeafPage leaf;    // of leaf columns
    FlatBuffer ends;  // of list columns: u64 per list
    uint64_t null_adjustment = 0;
    uint64_t num_items = 0;
    uint64_t first_item = 0;  // in the child column
  };
  std::shared_ptr<ReadableObject> object;
  NodeKind kind = NodeKind::kLeaf;
  encoding::LeafType type;
  std::vector<Page> pages;
  uint64_t slots = 0;
};

Status ParsePage(const encoding::v2_0::WireArray& wire, std::span<const ByteRange> buffers,
                 NodeKind kind, const encoding::LeafType& type, Column::Page* page) {
  if (kind == NodeKind::kStruct) {
    return wire.has_struct_() ? Status::OK()
                              : bytes::Corrupt("a struct column with another encoding");
  }
  if (kind != NodeKind::kList) {
    ARROW_ASSIGN_OR_RAISE(page->leaf, LeafPage::Make(wire, buffers, type));
    return Status::OK();
  }
  if (!wire.has_list()) return bytes::Corrupt("a list column with another encoding");
  ARROW_ASSIGN_OR_RAISE(auto ends, encoding::v2_0::ParseFlat(wire.list().offsets(), buffers));
  if (ends.values.bits != 64 || ends.validity)
    return bytes::Corrupt("list ends that are not 64-bit numbers");
  page->ends = ends.values;
  page->null_adjustment = wire.list().null_offset_adjustment();
  page->num_items = wire.list().num_items();
  return Status::OK();
}

Result<std::shared_ptr<Column>> LoadColumn(const FileReader& file, uint32_t number, NodeKind kind,
                                           const encoding::LeafType& type) {
  auto column = std::make_shared<Column>();
  column->object = file.object();
  column->kind = kind;
  column->type = type;
  ARROW_ASSIGN_OR_RAISE(auto metadata, file.ReadColumnMetadata(number));
  uint64_t items = 0;
  for (const auto& wire_page : metadata.pages()) {
    Column::Page page;
    page.first_slot = column->slots;
    page.slots = wire_page.length();
    page.first_item = items;
    ARROW_ASSIGN_OR_RAISE(auto buffers, PageBuffers(wire_page, file.object()->size()));
    ARROW_ASSIGN_OR_RAISE(std::string bytes,
                          UnwrapEncoding(wire_page.encoding(), "/lance.encodings.ArrayEncoding"));
    const auto wire = lance::ParseMessage<encoding::v2_0::WireArray>(bytes);
    if (!wire) return bytes::Corrupt("a page encoding cannot be parsed");
    ARROW_RETURN_NOT_OK(ParsePage(*wire, buffers, kind, type, &page));
    constexpr uint64_t kMaxSlots = uint64_t{1} << 48;
    constexpr uint64_t kMaxBits = uint64_t{1} << 62;  // so that positions in a page can be computed
    if (page.slots > kMaxSlots - column->slots || page.num_items > kMaxSlots - items ||
        (type.shape.bits > 0 && page.slots > kMaxBits / type.shape.bits)) {
      return bytes::Corrupt("a page of " + std::to_string(page.slots) + " slots");
    }
    column->slots += page.slots;
    items += page.num_items;
    column->pages.push_back(std::move(page));
  }
  return column;
}

/// Consecutive slots of a column of one segment.
struct SlotRange {
  uint32_t segment = 0;
  uint64_t first = 0;
  uint64_t count = 0;
};

/// The slots of a range that lie in one page; without a page they are null.
struct Piece {
  std::shared_ptr<Column> column;
  const Column::Page* page = nullptr;
  uint32_t segment = 0;
  uint64_t first = 0;
  uint64_t count = 0;
  int64_t slot = 0;
  std::vector<io::Fetch::Id> ids;
  std::vector<io::Fetch::Id> second;
};

/// A node of the field being read.
class Node {
 public:
  Node(const FieldNode& field, arrow::MemoryPool* pool) : field_(field), pool_(pool) {}

  Status Init(std::vector<SlotRange> ranges, const std::vector<Segment>& segments);
  Result<bool> Step(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open);
  Result<std::shared_ptr<ArrayData>> Finish();

 private:
  enum class Stage { kFirst, kSecond, kThird, kDone };

  bool is_blob() const { return field_.kind == NodeKind::kBlobV1; }
  bool is_struct() const {
    return field_.field->type()->id() == arrow::Type::STRUCT &&
           field_.kind != NodeKind::kPackedStruct;
  }
  Result<std::shared_ptr<ArrayData>> FinishStruct(std::vector<std::shared_ptr<ArrayData>> children);
  Status MakePieces(const std::vector<Segment>& segments);
  Status MakeChildren(std::vector<SlotRange> ranges);
  Result<bool> StepSelf(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open);
  void RequestFirst(io::Fetch* fetch);
  Status RequestSecond(io::Fetch* fetch);
  Status RequestBlobs(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open);
  Status ReadLists();
  Status ReadListPiece(const Piece& piece, std::vector<SlotRange>* items);
  Status DecodeLeaf();
  std::vector<Bytes> Views(const io::Fetch& fetch, const std::vector<io::Fetch::Id>& ids) const;

  const FieldNode& field_;
  arrow::MemoryPool* pool_;
  const std::vector<Segment>* segments_ = nullptr;
  Stage stage_ = Stage::kFirst;
  std::vector<SlotRange> ranges_;
  std::vector<Piece> pieces_;
  std::vector<std::unique_ptr<Node>> children_;
  encoding::LeafType type_;
  int64_t slots_ = 0;
  std::shared_ptr<io::Fetch> first_;
  std::shared_ptr<io::Fetch> second_;
  encoding::LeafData leaf_;
  std::unique_ptr<BlobValues> blobs_;
  std::vector<int64_t> offsets_;  // lists
  std::vector<uint16_t> list_def_;
};

Status Node::Init(std::vector<SlotRange> ranges, const std::vector<Segment>& segments) {
  ranges_ = std::move(ranges);
  segments_ = &segments;
  for (const SlotRange& range : ranges_) slots_ += static_cast<int64_t>(range.count);
  switch (field_.kind) {
    case NodeKind::kStruct:
      stage_ = Stage::kDone;
      return MakeChildren(ranges_);
    case NodeKind::kList:
      break;
    case NodeKind::kLeaf:
      if (is_struct()) {  // without fields
        stage_ = Stage::kDone;
        return Status::OK();
      }
      [[fallthrough]];
    case NodeKind::kBlobV1:
    case NodeKind::kPackedStruct:
    case NodeKind::kJson: {
      ARROW_ASSIGN_OR_RAISE(type_, LeafTypeOf(field_, /*lists_are_fixed=*/true));
      break;
    }
    default:
      return MakeError(ErrorKind::kUnsupported,
                       "type " + field_.field->type()->ToString() + " in storage version 2.0");
  }
  return MakePieces(segments);
}

Status Node::MakeChildren(std::vector<SlotRange> ranges) {
  for (const FieldNode& child : field_.children) {
    children_.push_back(std::make_unique<Node>(child, pool_));
    ARROW_RETURN_NOT_OK(children_.back()->Init(ranges, *segments_));
  }
  return Status::OK();
}

Status Node::MakePieces(const std::vector<Segment>& segments) {
  int64_t slot = 0;
  for (const SlotRange& range : ranges_) {
    const ColumnSource& source = field_.sources[range.segment];
    if (!source.file) {
      pieces_.push_back({.segment = range.segment, .count = range.count, .slot = slot});
      slot += static_cast<int64_t>(range.count);
      continue;
    }
    if (source.column >= source.file->num_columns())
      return source.file->ReadColumnMetadata(source.column).status();
    auto loaded = source.file->Cached<Column>(
        source.column, [&] { return LoadColumn(*source.file, source.column, field_.kind, type_); });
    if (!loaded.ok()) return WithContext(loaded.status(), {.path = source.file->object()->name()});
    std::shared_ptr<Column> column = *loaded;
    if (column->kind != field_.kind || column->type != type_) {
      return WithContext(bytes::Corrupt("column " + std::to_string(source.column) +
                                        " is said to hold fields of different types"),
                         {.path = column->object->name()});
    }
    if (range.first > column->slots || range.count > column->slots - range.first) {
      return WithContext(bytes::Corrupt("slots " + std::to_string(range.first) + " to " +
                                        std::to_string(range.first + range.count) +
                                        " of a column of " + std::to_string(column->slots)),
                         {.path = column->object->name()});
    }
    uint64_t first = range.first;
    uint64_t left = range.count;
    auto page = std::upper_bound(
        column->pages.begin(), column->pages.end(), first,
        [](uint64_t at, const Column::Page& p) { return at < p.first_slot + p.slots; });
    for (; left > 0; ++page) {
      const uint64_t count = std::min(left, page->first_slot + page->slots - first);
      pieces_.push_back(
          {column, &*page, range.segment, first - page->first_slot, count, slot, {}, {}});
      first += count;
      left -= count;
      slot += static_cast<int64_t>(count);
    }
  }
  return Status::OK();
}

std::vector<Bytes> Node::Views(const io::Fetch& fetch,
                               const std::vector<io::Fetch::Id>& ids) const {
  std::vector<Bytes> views;
  for (io::Fetch::Id id : ids) views.push_back(fetch.bytes(id));
  return views;
}

Result<bool> Node::Step(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open) {
  ARROW_ASSIGN_OR_RAISE(bool wants, StepSelf(fetch, open));
  for (auto& child : children_) {
    ARROW_ASSIGN_OR_RAISE(bool child_wants, child->Step(fetch, open));
    wants |= child_wants;
  }
  return wants;
}

Result<bool> Node::StepSelf(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open) {
  switch (stage_) {
    case Stage::kFirst:
      RequestFirst(fetch.get());
      first_ = fetch;
      stage_ = Stage::kSecond;
      return true;
    case Stage::kSecond:
      stage_ = Stage::kDone;
      if (field_.kind == NodeKind::kList) {
        ARROW_RETURN_NOT_OK(ReadLists());
        return false;  // the children, made just now, are stepped next
      }
      ARROW_RETURN_NOT_OK(RequestSecond(fetch.get()));
      second_ = fetch;
      if (is_blob()) ARROW_RETURN_NOT_OK(RequestBlobs(fetch, open));
      return !fetch->empty();
    default:
      return false;
  }
}

void Node::RequestFirst(io::Fetch* fetch) {
  std::vector<ByteRange> ranges;
  for (Piece& piece : pieces_) {
    if (!piece.page) continue;
    ranges.clear();
    if (field_.kind == NodeKind::kList) {
      const uint64_t before = piece.first > 0;
      ranges.push_back(piece.page->ends.RangeOf(piece.first - before, piece.count + before));
    } else {
      piece.page->leaf.FirstRanges(piece.first, piece.count, &ranges);
    }
    for (const ByteRange& range : ranges)
      piece.ids.push_back(fetch->Add(piece.column->object, range));
  }
}

Status Node::RequestSecond(io::Fetch* fetch) {
  std::vector<ByteRange> ranges;
  for (Piece& piece : pieces_) {
    if (!piece.page) continue;
    ranges.clear();
    Status status =
        piece.page->leaf.SecondRanges(piece.first, piece.count, Views(*first_, piece.ids), &ranges);
    if (!status.ok()) return WithContext(status, {.path = piece.column->object->name()});
    for (const ByteRange& range : ranges)
      piece.second.push_back(fetch->Add(piece.column->object, range));
  }
  return Status::OK();
}

Status Node::RequestBlobs(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open) {
  ARROW_RETURN_NOT_OK(DecodeLeaf());
  std::vector<uint32_t> segment_of(static_cast<size_t>(slots_));
  for (const Piece& piece : pieces_)
    std::fill_n(segment_of.begin() + piece.slot, piece.count, piece.segment);
  const BlobColumn column{.kind = field_.kind,
                          .descriptors = leaf_,
                          .validity = leaf_.validity,
                          .segment_of = std::move(segment_of),
                          .sources = field_.sources,
                          .distinct_rows = true};
  ARROW_ASSIGN_OR_RAISE(blobs_, BlobValues::Make(column, open, fetch));
  return Status::OK();
}

Status Node::ReadListPiece(const Piece& piece, std::vector<SlotRange>* items) {
  const int64_t base = offsets_.back();
  if (!piece.page) {
    offsets_.insert(offsets_.end(), piece.count, base);
    list_def_.insert(list_def_.end(), piece.count, 1);
    return Status::OK();
  }
  bytes::Arena arena;
  const uint64_t before = piece.first > 0;
  ARROW_ASSIGN_OR_RAISE(Bytes stored,
                        piece.page->ends.Align(first_->bytes(piece.ids[0]), piece.first - before,
                                               piece.count + before, &arena));
  ARROW_ASSIGN_OR_RAISE(auto ends, encoding::v2_0::ReadEnds(stored, before > 0, piece.count,
                                                            piece.page->null_adjustment,
                                                            piece.page->num_items, &arena));
  const uint64_t first = ends.positions[0];
  for (uint64_t i = 1; i <= piece.count; ++i)
    offsets_.push_back(base + static_cast<int64_t>(ends.positions[i] - first));
  list_def_.insert(list_def_.end(), ends.def.begin(), ends.def.end());
  const SlotRange range{piece.segment, piece.page->first_item + first,
                        ends.positions[piece.count] - first};
  if (range.count > 0) items->push_back(range);
  return Status::OK();
}

Status Node::ReadLists() {
  offsets_ = {0};
  std::vector<SlotRange> items;
  for (const Piece& piece : pieces_) {
    Status status = ReadListPiece(piece, &items);
    if (!status.ok())
      return WithContext(status, {.path = piece.column ? piece.column->object->name() : ""});
  }
  return MakeChildren(std::move(items));
}

Status Node::DecodeLeaf() {
  ARROW_ASSIGN_OR_RAISE(auto builder, encoding::LeafBuilder::MakeFlat(type_, slots_, true, pool_));
  bytes::Arena arena;
  for (const Piece& piece : pieces_) {
    if (!piece.page) {
      ARROW_RETURN_NOT_OK(builder->PutNulls(piece.slot, piece.count));
      continue;
    }
    arena.Reset();
    const auto second = second_ ? Views(*second_, piece.second) : std::vector<Bytes>();
    Status status = piece.page->leaf.Decode(piece.first, piece.count, Views(*first_, piece.ids),
                                            second, piece.slot, &arena, builder.get());
    if (!status.ok()) return WithContext(status, {.path = piece.column->object->name()});
  }
  ARROW_ASSIGN_OR_RAISE(leaf_, builder->Finish());
  return Status::OK();
}

// The format has no null structs, but fragments may lack the column.
Result<std::shared_ptr<ArrayData>> Node::FinishStruct(
    std::vector<std::shared_ptr<ArrayData>> children) {
  std::shared_ptr<arrow::Buffer> validity;
  int64_t slot = 0;
  int64_t nulls = 0;
  for (const SlotRange& range : ranges_) {
    const auto count = static_cast<int64_t>(range.count);
    if (!field_.sources[range.segment].file) {
      if (!validity) {
        ARROW_ASSIGN_OR_RAISE(validity, arrow::AllocateBitmap(slots_, pool_));
        arrow::bit_util::SetBitsTo(validity->mutable_data(), 0, slots_, true);
      }
      arrow::bit_util::SetBitsTo(validity->mutable_data(), slot, count, false);
      nulls += count;
    }
    slot += count;
  }
  return ArrayData::Make(field_.field->type(), slots_, {std::move(validity)}, std::move(children),
                         nulls);
}

Result<std::shared_ptr<ArrayData>> Node::Finish() {
  if (blobs_) return blobs_->Finish(pool_);
  const auto& type = field_.field->type();
  std::vector<std::shared_ptr<ArrayData>> children;
  for (auto& child : children_) {
    ARROW_ASSIGN_OR_RAISE(auto array, child->Finish());
    children.push_back(std::move(array));
  }
  if (is_struct()) return FinishStruct(std::move(children));
  if (field_.kind != NodeKind::kList) {
    ARROW_RETURN_NOT_OK(DecodeLeaf());
    return MakeLeafArray(field_, leaf_, {leaf_.validity, leaf_.null_count}, pool_);
  }
  LayerArrays lists{.slots = slots_, .offsets = std::move(offsets_)};
  lists.null_count = std::count(list_def_.begin(), list_def_.end(), uint16_t{1});
  if (lists.null_count > 0) {
    ARROW_ASSIGN_OR_RAISE(lists.validity, arrow::AllocateEmptyBitmap(slots_, pool_));
    for (int64_t i = 0; i < slots_; ++i) {
      if (list_def_[static_cast<size_t>(i)] == 0)
        arrow::bit_util::SetBit(lists.validity->mutable_data(), i);
    }
  }
  return MakeListArray(type, std::move(lists), std::move(children[0]), pool_);
}

class V2_0Read final : public FieldRead {
 public:
  V2_0Read(FieldTree tree, arrow::MemoryPool* pool)
      : tree_(std::move(tree)), root_(tree_.root, pool) {}

  Status Init() {
    if (!tree_.in_order) {
      ARROW_ASSIGN_OR_RAISE(OrderedRows ordered, OrderRows(*tree_.segments, tree_.num_rows));
      tree_.segments = ordered.segments;
      tree_.num_rows = ordered.num_rows;
      permutation_ = ordered.permutation;
    }
    std::vector<SlotRange> ranges;
    for (uint32_t s = 0; s < tree_.segments->size(); ++s) {
      for (const Run& run : (*tree_.segments)[s].runs) ranges.push_back({s, run.row, run.count});
    }
    return Context(root_.Init(std::move(ranges), *tree_.segments));
  }

  Result<bool> Step(const std::shared_ptr<io::Fetch>& fetch) override {
    auto wants = root_.Step(fetch, tree_.open_blob);
    return wants.ok() ? wants : Context(wants.status());
  }

  Result<std::shared_ptr<ArrayData>> Finish() override {
    auto array = root_.Finish();
    if (!array.ok()) return Context(array.status());
    if (!permutation_) return array;
    ARROW_ASSIGN_OR_RAISE(arrow::Datum taken,
                          arrow::compute::Take(arrow::MakeArray(*array), permutation_));
    return taken.array();
  }

 private:
  Status Context(const Status& status) const { return WithContext(status, {.column = tree_.path}); }

  FieldTree tree_;
  Node root_;
  std::shared_ptr<arrow::Array> permutation_;
};

}  // namespace

Result<std::unique_ptr<FieldRead>> MakeV2_0Read(FieldTree tree, arrow::MemoryPool* pool) {
  auto read = std::make_unique<V2_0Read>(std::move(tree), pool);
  ARROW_RETURN_NOT_OK(read->Init());
  return read;
}

}  // namespace pilum::file
