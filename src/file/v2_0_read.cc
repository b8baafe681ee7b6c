#include "file/v2_0_read.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include "encoding/v2_0/leaf_read.h"
#include "file/blob.h"
#include "file/layer_array.h"
#include "file/leaf_array.h"
#include "file/row_order.h"
#include "file/v2_0_column.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using encoding::v2_0::EndsRead;
using encoding::v2_0::LeafRead;
using PageSlots = encoding::v2_0::SlotRange;

constexpr uint64_t kMostReserved = 256 << 20;

/// Consecutive slots of a column of one segment.
struct SlotRange {
  uint32_t segment = 0;
  uint64_t first = 0;
  uint64_t count = 0;
};

/// Slots wanted of one page, in ascending order; without a page they are null.
struct PageRead {
  std::shared_ptr<V2_0Column> column;
  const V2_0Column::Page* page = nullptr;
  uint32_t segment = 0;
  int64_t slot = 0;  // of the result, where the first one goes
  uint64_t count = 0;
  std::vector<PageSlots> slots;
  std::unique_ptr<LeafRead> leaf;  // of leaf columns
  std::optional<EndsRead> lists;   // of list columns
  std::vector<io::Fetch::Id> ids;
  std::vector<io::Fetch::Id> second;

  Status Context(const Status& status) const {
    return WithContext(status, {.path = column ? column->object->name() : ""});
  }
};

/// A node of the field being read.
class Node {
 public:
  Node(const FieldNode& field, arrow::MemoryPool* pool) : field_(field), pool_(pool) {}

  Status Init(std::vector<SlotRange> ranges, const std::vector<Segment>& segments);
  Result<bool> Step(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open);
  uint64_t value_bytes() const;
  Result<std::shared_ptr<ArrayData>> Finish();

 private:
  enum class Stage { kFirst, kSecond, kDone };

  bool is_blob() const { return field_.kind == NodeKind::kBlobV1; }
  bool is_struct() const {
    return field_.field->type()->id() == arrow::Type::STRUCT &&
           field_.kind != NodeKind::kPackedStruct;
  }
  Result<std::shared_ptr<ArrayData>> FinishStruct(std::vector<std::shared_ptr<ArrayData>> children);
  Status MakeReads();
  Status AddReads(const SlotRange& range, const std::shared_ptr<V2_0Column>& column);
  PageRead* ReadOf(const SlotRange& range, const std::shared_ptr<V2_0Column>& column,
                   const V2_0Column::Page* page, uint64_t first);
  Status MakeChildren(const std::vector<SlotRange>& ranges);
  Result<bool> StepSelf(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open);
  Status RequestFirst(io::Fetch* fetch);
  Status RequestSecond(io::Fetch* fetch);
  Status RequestBlobs(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open);
  Status ReadLists();
  Status ReadListPage(PageRead* read, std::vector<SlotRange>* items);
  Status DecodeLeaf();
  std::vector<Bytes> Views(const io::Fetch& fetch, const std::vector<io::Fetch::Id>& ids) const;

  const FieldNode& field_;
  arrow::MemoryPool* pool_;
  const std::vector<Segment>* segments_ = nullptr;
  Stage stage_ = Stage::kFirst;
  std::vector<SlotRange> ranges_;
  std::vector<PageRead> reads_;
  std::vector<std::unique_ptr<Node>> children_;
  encoding::LeafType type_;
  int64_t slots_ = 0;
  std::shared_ptr<io::Fetch> first_;
  std::shared_ptr<io::Fetch> second_;
  uint64_t second_bytes_ = 0;
  uint64_t blob_bytes_ = 0;
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
  return MakeReads();
}

Status Node::MakeChildren(const std::vector<SlotRange>& ranges) {
  for (const FieldNode& child : field_.children) {
    children_.push_back(std::make_unique<Node>(child, pool_));
    ARROW_RETURN_NOT_OK(children_.back()->Init(ranges, *segments_));
  }
  return Status::OK();
}

Status Node::MakeReads() {
  std::shared_ptr<V2_0Column> column;
  for (const SlotRange& range : ranges_) {
    const ColumnSource& source = field_.sources[range.segment];
    if (!source.file) {
      column = nullptr;
      ReadOf(range, column, nullptr, 0)->count += range.count;
      continue;
    }
    if (reads_.empty() || reads_.back().segment != range.segment) {
      ARROW_ASSIGN_OR_RAISE(column,
                            V2_0Column::Get(source.file, source.column, field_.kind, type_));
    }
    ARROW_RETURN_NOT_OK(AddReads(range, column));
  }
  int64_t slot = 0;
  for (PageRead& read : reads_) {
    read.slot = slot;
    slot += static_cast<int64_t>(read.count);
    if (!read.page) continue;
    if (field_.kind == NodeKind::kList) {
      read.lists.emplace(read.page->ends, read.page->null_adjustment);
      read.lists->Want(read.slots);
    } else {
      read.leaf = LeafRead::Make(read.page->leaf, read.slots);
    }
  }
  return Status::OK();
}

// Adds the slots of a range to the reads of their pages.
Status Node::AddReads(const SlotRange& range, const std::shared_ptr<V2_0Column>& column) {
  if (range.first > column->slots || range.count > column->slots - range.first) {
    return WithContext(bytes::Corrupt("slots " + std::to_string(range.first) + " to " +
                                      std::to_string(range.first + range.count) +
                                      " of a column of " + std::to_string(column->slots)),
                       {.path = column->object->name()});
  }
  const uint64_t end = range.first + range.count;
  auto page = std::upper_bound(
      column->pages.begin(), column->pages.end(), range.first,
      [](uint64_t at, const V2_0Column::Page& p) { return at < p.first_slot + p.slots; });
  for (uint64_t at = range.first; at < end; ++page) {
    const uint64_t count = std::min(end, page->first_slot + page->slots) - at;
    const uint64_t first = at - page->first_slot;
    if (count == 0) continue;  // an empty page
    PageRead* read = ReadOf(range, column, &*page, first);
    read->slots.push_back({first, count});
    read->count += count;
    at += count;
  }
  return Status::OK();
}

// The read that slots from `first` on of a page belong to: the last one, unless it is of another
// page or has come further.
PageRead* Node::ReadOf(const SlotRange& range, const std::shared_ptr<V2_0Column>& column,
                       const V2_0Column::Page* page, uint64_t first) {
  const PageRead* last = reads_.empty() ? nullptr : &reads_.back();
  if (!last || last->page != page || last->segment != range.segment ||
      (!last->slots.empty() && last->slots.back().first > first)) {
    reads_.push_back({.column = column, .page = page, .segment = range.segment});
  }
  return &reads_.back();
}

uint64_t Node::value_bytes() const {
  uint64_t bytes =
      static_cast<uint64_t>(slots_) * type_.shape.bits / 8 + second_bytes_ + blob_bytes_;
  for (const auto& child : children_) bytes += child->value_bytes();
  return bytes;
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
      ARROW_RETURN_NOT_OK(RequestFirst(fetch.get()));
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

Status Node::RequestFirst(io::Fetch* fetch) {
  std::vector<ByteRange> ranges;
  for (PageRead& read : reads_) {
    if (!read.page) continue;
    ranges.clear();
    const Status status =
        read.lists ? read.lists->Request(&ranges) : read.leaf->RequestFirst(&ranges);
    if (!status.ok()) return read.Context(status);
    for (const ByteRange& range : ranges)
      read.ids.push_back(fetch->Add(read.column->object, range));
  }
  return Status::OK();
}

Status Node::RequestSecond(io::Fetch* fetch) {
  std::vector<ByteRange> ranges;
  bytes::Arena arena;
  for (PageRead& read : reads_) {
    if (!read.page) continue;
    ranges.clear();
    arena.Reset();
    const Status status = read.leaf->RequestSecond(Views(*first_, read.ids), &ranges, &arena);
    if (!status.ok()) return read.Context(status);
    for (const ByteRange& range : ranges) {
      read.second.push_back(fetch->Add(read.column->object, range));
      second_bytes_ += range.length;
    }
  }
  return Status::OK();
}

Status Node::RequestBlobs(const std::shared_ptr<io::Fetch>& fetch, const BlobOpener& open) {
  ARROW_RETURN_NOT_OK(DecodeLeaf());
  std::vector<uint32_t> segment_of(static_cast<size_t>(slots_));
  for (const PageRead& read : reads_)
    std::fill_n(segment_of.begin() + read.slot, read.count, read.segment);
  const BlobColumn column{.kind = field_.kind,
                          .descriptors = leaf_,
                          .validity = leaf_.validity,
                          .segment_of = std::move(segment_of),
                          .sources = field_.sources,
                          .distinct_rows = true};
  const uint64_t before = fetch->read_bytes();
  ARROW_ASSIGN_OR_RAISE(blobs_, BlobValues::Make(column, open, fetch));
  blob_bytes_ = fetch->read_bytes() - before;
  return Status::OK();
}

Status Node::ReadListPage(PageRead* read, std::vector<SlotRange>* items) {
  int64_t end = offsets_.back();
  if (!read->page) {
    offsets_.insert(offsets_.end(), read->count, end);
    list_def_.insert(list_def_.end(), read->count, 1);
    return Status::OK();
  }
  bytes::Arena arena;
  const std::vector<Bytes> views = Views(*first_, read->ids);
  std::span<const Bytes> fetched = views;
  ARROW_RETURN_NOT_OK(read->lists->Parse(read->slots, &fetched, &arena));
  ARROW_RETURN_NOT_OK(read->lists->CheckTotal(read->page->num_items));
  const uint64_t* positions = read->lists->positions().data();
  for (const PageSlots& lists : read->slots) {
    const uint64_t first = positions[0];
    const uint64_t count = positions[lists.count] - first;
    for (uint64_t i = 1; i <= lists.count; ++i)
      offsets_.push_back(end + static_cast<int64_t>(positions[i] - first));
    end = offsets_.back();
    positions += lists.count + 1;
    if (count > 0) items->push_back({read->segment, read->page->first_item + first, count});
  }
  const auto def = read->lists->def();
  list_def_.insert(list_def_.end(), def.begin(), def.end());
  return Status::OK();
}

Status Node::ReadLists() {
  offsets_ = {0};
  std::vector<SlotRange> items;
  for (PageRead& read : reads_) {
    Status status = ReadListPage(&read, &items);
    if (!status.ok()) return read.Context(status);
  }
  return MakeChildren(items);
}

Status Node::DecodeLeaf() {
  ARROW_ASSIGN_OR_RAISE(auto builder, encoding::LeafBuilder::MakeFlat(type_, slots_, true, pool_));
  ARROW_RETURN_NOT_OK(builder->ReserveBytes(std::min(second_bytes_, kMostReserved)));
  bytes::Arena arena;
  for (PageRead& read : reads_) {
    if (!read.page) {
      ARROW_RETURN_NOT_OK(builder->PutNulls(read.slot, read.count));
      continue;
    }
    arena.Reset();
    const auto second = second_ ? Views(*second_, read.second) : std::vector<Bytes>();
    Status status =
        read.leaf->Decode(Views(*first_, read.ids), second, read.slot, &arena, builder.get());
    if (!status.ok()) return read.Context(status);
    read.leaf.reset();
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

  uint64_t value_bytes() const override { return root_.value_bytes(); }

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
