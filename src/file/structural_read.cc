// Reading a field of a 2.1 or 2.2 file: leaf columns with levels, assembled into the field's
// structure.
#include <algorithm>
#include <string>
#include <utility>

#include <arrow/compute/api_vector.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include "file/blob.h"
#include "file/column_reader.h"
#include "file/field_read.h"
#include "file/layer_array.h"
#include "file/leaf_array.h"
#include "file/leaf_column.h"
#include "file/missing_leaf.h"
#include "file/row_order.h"
#include "file/structural_read.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using arrow::internal::checked_cast;

constexpr uint64_t kMostReserved = 256 << 20;
// Rows that are far apart may need much more to be read than they are. About so much is read before
// it is decoded, and counts in parts of pages that decode to so much, if they have so many rows.
constexpr uint64_t kPieceBytes = 4 << 20;
constexpr uint64_t kPartBytes = 1 << 20;
constexpr size_t kPartRuns = 256;

/// Rows wanted of one page, or of a part of it.
struct PageRead {
  std::shared_ptr<ColumnReader> column;
  Page* page = nullptr;
  uint32_t segment = 0;
  std::span<const Run> runs;  ///< of the segment, or own_runs
  std::vector<Run> own_runs;  ///< where rows of the page have other numbers
  std::shared_ptr<const encoding::PageIndex> index;
  std::vector<encoding::PlannedRead> planned;
  std::vector<io::Fetch::Id> ids;
};

struct Leaf : LeafColumn {
  explicit Leaf(LeafColumn column) : LeafColumn(std::move(column)) {}

  std::unique_ptr<encoding::LeafBuilder> builder;
  std::vector<PageRead> reads;
  size_t next_request = 0;  ///< of the reads, whose values are to be requested
  size_t next_read = 0;     ///< to be decoded
  size_t first_entry = 0;   ///< nested: of the segment decoded last
  encoding::LeafData data;
  std::vector<uint32_t> segment_of;  ///< blobs: of each slot
  std::unique_ptr<BlobValues> blobs;

  bool is_blob() const {
    return node->kind == NodeKind::kBlobV1 || node->kind == NodeKind::kBlobV2;
  }
  /// Its pages say null, but its rows are valid: the format cannot store such nulls.
  bool is_empty_struct() const {
    return node->field->type()->id() == arrow::Type::STRUCT && node->kind == NodeKind::kLeaf;
  }
  /// How many of these runs of a page make a part of it.
  size_t PartOf(std::span<const Run> runs) const {
    if (runs.size() <= kPartRuns) return runs.size();
    const auto end =
        std::partition_point(runs.begin() + kPartRuns, runs.end(), [&](const Run& run) {
          return (run.row - runs.front().row) * type.shape.bits / 8 < kPartBytes;
        });
    return static_cast<size_t>(end - runs.begin());
  }
  /// All rows take the same.
  bool has_fixed_width() const { return scheme.flat() && !type.shape.variable; }
  bool has_column(uint32_t segment) const { return node->sources[segment].file != nullptr; }
  /// How many of the nodes around both leaves are the same.
  size_t shared_layers(const Leaf& other) const {
    const auto ends = std::mismatch(path.begin(), path.end(), other.path.begin(), other.path.end());
    return static_cast<size_t>(ends.first - path.begin());
  }
};

Status TooManyItems() {
  return MakeError(ErrorKind::kInvalidArgument,
                   "more than 2^32 list items in one batch; ask for a smaller batch size");
}

// At and above a fixed-size list of structs, the level of a slot is repeated for every item below.
int64_t ItemsPerSlot(const FieldNode& node) {
  return ListSize(node) * (node.children.empty() ? 1 : ItemsPerSlot(node.children[0]));
}

class StructuralRead final : public FieldRead {
 public:
  StructuralRead(FieldTree tree, arrow::MemoryPool* pool) : tree_(std::move(tree)), pool_(pool) {}

  Status Init();
  Result<bool> Step(const std::shared_ptr<io::Fetch>& fetch) override;
  uint64_t value_bytes() const override { return value_bytes_; }
  Result<std::shared_ptr<ArrayData>> Finish() override;

 private:
  enum class Stage { kIndexes, kValues, kBlobs, kReady };

  /// Values of fixed width are copied to their slots, and what they were read from can be let go:
  /// they are read piece by piece. Others point into it until the end.
  bool in_pieces() const {
    return leaves_.size() == 1 && leaves_[0].has_fixed_width() && !leaves_[0].is_blob();
  }
  bool all_requested() const {
    return std::all_of(leaves_.begin(), leaves_.end(),
                       [](const Leaf& leaf) { return leaf.next_request == leaf.reads.size(); });
  }
  bool has_blobs() const {
    return std::any_of(leaves_.begin(), leaves_.end(),
                       [](const Leaf& leaf) { return leaf.is_blob(); });
  }

  Status AddReads(Leaf* leaf);
  void AddPages(Leaf* leaf, const std::shared_ptr<ColumnReader>& column, uint32_t segment,
                std::span<const Run> runs);
  void AddPage(Leaf* leaf, const PageRead& page, std::span<const Run> runs);
  Status RequestIndexes(const std::shared_ptr<io::Fetch>& fetch, bool* wants);
  Status RequestValues(const std::shared_ptr<io::Fetch>& fetch, bool* wants);
  Status FindIndex(PageRead* read);
  Status MakePlaces(Leaf* leaf);
  Status RequestPage(const std::shared_ptr<io::Fetch>& fetch, Leaf* leaf, PageRead* read,
                     bool* wants);
  Status RequestBlobs(const std::shared_ptr<io::Fetch>& fetch, bool* wants);
  Status DecodePiece(Leaf* leaf);
  Status DecodeLeaves();
  Status MakeBuilder(Leaf* leaf);
  Status DecodeSegment(Leaf* leaf, uint32_t segment);
  Status DecodePage(const PageRead& read, Leaf* leaf);
  Status FillMissing(Leaf* leaf, uint32_t segment);
  Result<std::shared_ptr<ArrayData>> Assemble(const FieldNode& node, size_t depth,
                                              size_t* next_leaf);
  Result<LeafValidity> ValidityOf(const Leaf& leaf) const;
  Result<std::shared_ptr<ArrayData>> AssembleLeaf(const Leaf& leaf);
  Status Context(const Status& status, const ReadableObject* object) const;
  const ReadableObject* OnlyObject() const;

  FieldTree tree_;
  arrow::MemoryPool* pool_;
  Stage stage_ = Stage::kIndexes;
  std::vector<Leaf> leaves_;
  uint64_t value_bytes_ = 0;
  bytes::Arena arena_;
  std::shared_ptr<io::Fetch> index_fetch_;
  std::shared_ptr<io::Fetch> value_fetch_;
  std::shared_ptr<arrow::Array>
      permutation_;  // from the order read to the order wanted, if they differ
};

Status StructuralRead::Context(const Status& status, const ReadableObject* object) const {
  return WithContext(status, {.path = object ? object->name() : "", .column = tree_.path});
}

// The file that all leaves were read from; null if there are several.
const ReadableObject* StructuralRead::OnlyObject() const {
  const ReadableObject* only = nullptr;
  for (const Leaf& leaf : leaves_) {
    for (const ColumnSource& source : leaf.node->sources) {
      if (!source.file) continue;
      const ReadableObject* object = source.file->object().get();
      if (only && only != object) return nullptr;
      only = object;
    }
  }
  return only;
}

Status StructuralRead::Init() {
  auto columns = LeafColumns(tree_.root);
  if (!columns.ok()) return Context(columns.status(), nullptr);
  for (LeafColumn& column : *columns) leaves_.emplace_back(std::move(column));
  const bool nested = leaves_.size() != 1 || !leaves_[0].scheme.flat();
  if (nested && !tree_.in_order) {
    // A nested column appends, so rows wanted in another order are read in storage order and
    // permuted.
    ARROW_ASSIGN_OR_RAISE(OrderedRows ordered, OrderRows(*tree_.segments, tree_.num_rows));
    tree_.segments = ordered.segments;
    tree_.num_rows = ordered.num_rows;
    permutation_ = ordered.permutation;
  }
  for (Leaf& leaf : leaves_) ARROW_RETURN_NOT_OK(AddReads(&leaf));
  return Status::OK();
}

Status StructuralRead::AddReads(Leaf* leaf) {
  const auto stride = static_cast<uint32_t>(leaf->slots_per_row);
  if (leaf->has_fixed_width())
    value_bytes_ += static_cast<uint64_t>(tree_.num_rows) * leaf->type.shape.bits / 8;
  for (uint32_t s = 0; s < tree_.segments->size(); ++s) {
    const Segment& segment = (*tree_.segments)[s];
    const ColumnSource& source = leaf->node->sources[s];
    if (segment.runs.empty()) continue;
    if (!source.file) continue;
    auto opened = ColumnReader::Get(source.file, source.column, segment.physical_rows * stride,
                                    leaf->scheme, leaf->type);
    if (!opened.ok()) return Context(opened.status(), source.file->object().get());
    const uint64_t end = segment.runs.back().row + segment.runs.back().count;
    if (end > segment.physical_rows) {
      return Context(bytes::Corrupt("row " + std::to_string(end - 1) + " of " +
                                    std::to_string(segment.physical_rows)),
                     nullptr);
    }
    if (stride == 1) {
      AddPages(leaf, *opened, s, segment.runs);
      continue;
    }
    std::vector<Run> items;
    for (const Run& run : segment.runs) {
      if (uint64_t{run.count} * stride > UINT32_MAX)
        return Context(TooManyItems(), source.file->object().get());
      items.push_back({run.row * stride, run.count * stride, run.slot});
    }
    AddPages(leaf, *opened, s, items);
  }
  return Status::OK();
}

void StructuralRead::AddPages(Leaf* leaf, const std::shared_ptr<ColumnReader>& column,
                              uint32_t segment, std::span<const Run> runs) {
  for (uint64_t row = 0;;) {  // behind those that are added
    const auto begin = std::partition_point(
        runs.begin(), runs.end(), [&](const Run& run) { return run.row + run.count <= row; });
    if (begin == runs.end()) return;
    Page* page = column->pages()[column->PageOf(std::max(row, begin->row))].get();
    row = page->first_row + page->rows;
    const auto end =
        std::partition_point(begin, runs.end(), [&](const Run& run) { return run.row < row; });
    if (!leaf->has_fixed_width()) value_bytes_ += page->BytesOf({begin, end});
    AddPage(leaf, {.column = column, .page = page, .segment = segment}, {begin, end});
  }
}

// Rows that have the same number in the page as in the segment need not be written down again.
void StructuralRead::AddPage(Leaf* leaf, const PageRead& page, std::span<const Run> runs) {
  const uint64_t begin = page.page->first_row;
  const uint64_t end = begin + page.page->rows;
  const bool shared =
      leaf->slots_per_row == 1 && begin == 0 && runs.back().row + runs.back().count <= end;
  while (!runs.empty()) {
    const auto part = runs.first(in_pieces() ? leaf->PartOf(runs) : runs.size());
    PageRead& read = leaf->reads.emplace_back(page);
    for (const Run& run : shared ? std::span<const Run>() : part) {
      const Run wanted = run.Within(begin, end);
      read.own_runs.push_back({wanted.row - begin, wanted.count, wanted.slot});
    }
    read.runs = shared ? part : read.own_runs;
    runs = runs.subspan(part.size());
  }
}

Result<bool> StructuralRead::Step(const std::shared_ptr<io::Fetch>& fetch) {
  if (in_pieces()) ARROW_RETURN_NOT_OK(DecodePiece(&leaves_[0]));
  bool wants = false;
  while (!wants && stage_ != Stage::kReady) {
    switch (stage_) {
      case Stage::kIndexes:
        ARROW_RETURN_NOT_OK(RequestIndexes(fetch, &wants));
        stage_ = Stage::kValues;
        break;
      case Stage::kValues:
        ARROW_RETURN_NOT_OK(RequestValues(fetch, &wants));
        if (all_requested()) stage_ = has_blobs() ? Stage::kBlobs : Stage::kReady;
        break;
      case Stage::kBlobs:
        ARROW_RETURN_NOT_OK(RequestBlobs(fetch, &wants));
        stage_ = Stage::kReady;
        break;
      case Stage::kReady:
        break;
    }
  }
  return wants;
}

Status StructuralRead::RequestIndexes(const std::shared_ptr<io::Fetch>& fetch, bool* wants) {
  std::vector<ByteRange> ranges;
  for (Leaf& leaf : leaves_) {
    for (PageRead& read : leaf.reads) {
      read.index = read.page->index.get();
      if (read.index) continue;
      ranges.clear();
      read.page->layout->IndexRanges(&ranges);
      for (const ByteRange& range : ranges)
        read.ids.push_back(fetch->Add(read.column->object(), range));
      *wants |= !ranges.empty();
    }
  }
  index_fetch_ = fetch;
  return Status::OK();
}

Status StructuralRead::FindIndex(PageRead* read) {
  if (!read->index) read->index = read->page->index.get();  // of another part, or another reader
  if (read->index) return Status::OK();
  std::vector<Bytes> fetched;
  for (io::Fetch::Id id : read->ids) fetched.push_back(index_fetch_->bytes(id));
  auto index = read->page->layout->ParseIndex(fetched);
  if (!index.ok()) return Context(index.status(), read->column->object().get());
  read->index = read->column->KeepIndex(read->page, *index);
  return Status::OK();
}

// Values in any order can be read to where they belong if it is known how long they are.
Status StructuralRead::MakePlaces(Leaf* leaf) {
  if (tree_.in_order || !leaf->scheme.flat() || !leaf->type.shape.variable) return Status::OK();
  std::vector<uint64_t> lengths(static_cast<size_t>(tree_.num_rows));
  for (PageRead& read : leaf->reads) {
    ARROW_RETURN_NOT_OK(FindIndex(&read));
    if (!read.page->layout->ValueLengths(*read.index, read.runs, lengths)) return Status::OK();
  }
  ARROW_RETURN_NOT_OK(MakeBuilder(leaf));
  return Context(leaf->builder->SetLengths(lengths), nullptr);
}

Status StructuralRead::RequestPage(const std::shared_ptr<io::Fetch>& fetch, Leaf* leaf,
                                   PageRead* read, bool* wants) {
  ARROW_RETURN_NOT_OK(FindIndex(read));
  Status status = read->page->layout->Plan(*read->index, read->runs, &read->planned);
  if (!status.ok()) return Context(status, read->column->object().get());
  read->ids.clear();
  for (const auto& planned : read->planned) {
    std::span<std::byte> place;
    if (planned.head > 0 && leaf->builder)
      place = leaf->builder->PlaceOf(read->runs[planned.first_run].slot);
    read->ids.push_back(fetch->Add(read->column->object(), planned.range, place));
  }
  *wants |= !read->planned.empty();
  return Status::OK();
}

Status StructuralRead::RequestValues(const std::shared_ptr<io::Fetch>& fetch, bool* wants) {
  value_fetch_ = fetch;
  for (Leaf& leaf : leaves_) {
    ARROW_RETURN_NOT_OK(MakePlaces(&leaf));
    for (; leaf.next_request < leaf.reads.size(); ++leaf.next_request) {
      if (in_pieces() && fetch->read_bytes() >= kPieceBytes) {  // other fields fill it as well
        *wants = true;
        return Status::OK();
      }
      ARROW_RETURN_NOT_OK(RequestPage(fetch, &leaf, &leaf.reads[leaf.next_request], wants));
    }
  }
  index_fetch_.reset();
  return Status::OK();
}

// What the step before has requested. Other fields may have much to read still.
Status StructuralRead::DecodePiece(Leaf* leaf) {
  if (leaf->next_read == leaf->next_request) return Status::OK();
  if (!leaf->builder) ARROW_RETURN_NOT_OK(MakeBuilder(leaf));
  for (; leaf->next_read < leaf->next_request; ++leaf->next_read) {
    PageRead read = std::exchange(leaf->reads[leaf->next_read], {});
    Status status = DecodePage(read, leaf);
    if (!status.ok()) return Context(status, read.column->object().get());
  }
  value_fetch_.reset();
  return Status::OK();
}

Status StructuralRead::DecodePage(const PageRead& read, Leaf* leaf) {
  if (leaf->is_empty_struct() && leaf->scheme.flat()) return Status::OK();
  std::vector<Bytes> fetched;
  fetched.reserve(read.ids.size());
  for (io::Fetch::Id id : read.ids) fetched.push_back(value_fetch_->bytes(id));
  return read.page->layout->Decode(*read.index, read.runs, read.planned, fetched, &arena_,
                                   leaf->builder.get());
}

Status StructuralRead::MakeBuilder(Leaf* leaf) {
  if (leaf->scheme.flat()) {
    ARROW_ASSIGN_OR_RAISE(leaf->builder, encoding::LeafBuilder::MakeFlat(leaf->type, tree_.num_rows,
                                                                         tree_.in_order, pool_));
  } else {
    ARROW_ASSIGN_OR_RAISE(leaf->builder,
                          encoding::LeafBuilder::MakeNested(leaf->type, leaf->scheme, pool_));
  }
  uint64_t planned_bytes = 0;
  for (const PageRead& read : leaf->reads) {
    for (const auto& planned : read.planned) planned_bytes += planned.range.length;
  }
  // Damaged pages may name the same bytes again and again; what is really there still fits by
  // growing.
  return leaf->builder->ReserveBytes(std::min(planned_bytes, kMostReserved));
}

// A leaf's reads are in the order of the segments.
Status StructuralRead::DecodeSegment(Leaf* leaf, uint32_t segment) {
  leaf->first_entry = leaf->builder->def().size();
  const int64_t first_slot = leaf->builder->nested() ? leaf->builder->next_slot() : 0;
  for (; leaf->next_read < leaf->reads.size(); ++leaf->next_read) {
    const PageRead& read = leaf->reads[leaf->next_read];
    if (read.segment != segment) break;
    Status status = DecodePage(read, leaf);
    if (!status.ok()) return Context(status, read.column->object().get());
    if (!leaf->is_blob() || leaf->builder->nested()) continue;
    for (const Run& run : read.runs)
      std::fill_n(leaf->segment_of.begin() + run.slot, run.count, segment);
  }
  if (leaf->is_blob() && leaf->builder->nested()) {
    leaf->segment_of.resize(static_cast<size_t>(first_slot));
    leaf->segment_of.resize(static_cast<size_t>(leaf->builder->next_slot()), segment);
  }
  return Status::OK();
}

// A fragment without the leaf: its rows are null, but for what other leaves of the field say.
Status StructuralRead::FillMissing(Leaf* leaf, uint32_t segment) {
  const auto& runs = (*tree_.segments)[segment].runs;
  if (!leaf->builder->nested()) {
    for (const Run& run : runs) ARROW_RETURN_NOT_OK(leaf->builder->PutNulls(run.slot, run.count));
    return Status::OK();
  }
  const Leaf* sibling = nullptr;
  for (const Leaf& other : leaves_) {
    if (!other.has_column(segment) || other.slots_per_row != leaf->slots_per_row) continue;
    if (!sibling || other.shared_layers(*leaf) > sibling->shared_layers(*leaf)) sibling = &other;
  }
  if (sibling) {
    return AppendMissing(*sibling->builder, sibling->first_entry, sibling->shared_layers(*leaf),
                         leaf->builder.get());
  }
  uint64_t slots = 0;
  for (const Run& run : runs) slots += run.count * static_cast<uint64_t>(leaf->slots_per_row);
  return leaf->builder->AppendNullRows(slots);
}

Status StructuralRead::DecodeLeaves() {
  for (Leaf& leaf : leaves_) {
    if (!leaf.builder) ARROW_RETURN_NOT_OK(MakeBuilder(&leaf));
    leaf.segment_of.resize(leaf.is_blob() ? static_cast<size_t>(leaf.builder->next_slot()) : 0);
  }
  for (uint32_t s = 0; s < tree_.segments->size(); ++s) {
    for (Leaf& leaf : leaves_) {
      if (leaf.has_column(s)) ARROW_RETURN_NOT_OK(DecodeSegment(&leaf, s));
    }
    for (Leaf& leaf : leaves_) {
      if (!leaf.has_column(s)) ARROW_RETURN_NOT_OK(Context(FillMissing(&leaf, s), nullptr));
    }
  }
  for (Leaf& leaf : leaves_) {
    auto data = leaf.builder->Finish();
    if (!data.ok()) return Context(data.status(), nullptr);
    leaf.data = std::move(*data);
    leaf.builder.reset();
  }
  return Status::OK();
}

Status StructuralRead::RequestBlobs(const std::shared_ptr<io::Fetch>& fetch, bool* wants) {
  ARROW_RETURN_NOT_OK(DecodeLeaves());
  for (Leaf& leaf : leaves_) {
    if (!leaf.is_blob()) continue;
    ARROW_ASSIGN_OR_RAISE(LeafValidity valid, ValidityOf(leaf));
    const BlobColumn column{.kind = leaf.node->kind,
                            .descriptors = leaf.data,
                            .validity = std::move(valid.bitmap),
                            .segment_of = std::move(leaf.segment_of),
                            .sources = leaf.node->sources,
                            .distinct_rows = tree_.distinct || !leaf.scheme.flat()};
    const uint64_t before = fetch->read_bytes();
    auto blobs = BlobValues::Make(column, tree_.open_blob, fetch);
    if (!blobs.ok()) return Context(blobs.status(), nullptr);
    value_bytes_ += fetch->read_bytes() - before;
    leaf.blobs = std::move(*blobs);
    *wants |= !fetch->empty();
  }
  return Status::OK();
}

Result<LeafValidity> StructuralRead::ValidityOf(const Leaf& leaf) const {
  if (leaf.scheme.flat()) return LeafValidity{leaf.data.validity, leaf.data.null_count};
  ARROW_ASSIGN_OR_RAISE(LayerArrays layer, ReadLayer(leaf.scheme, 0, leaf.data, 1, pool_));
  if (layer.slots != leaf.data.slots) {
    return bytes::Corrupt("the levels of the column have " + std::to_string(layer.slots) +
                          " slots for " + std::to_string(leaf.data.slots) + " values");
  }
  if (leaf.is_empty_struct()) return LeafValidity{};
  return LeafValidity{layer.validity, layer.null_count};
}

Result<std::shared_ptr<ArrayData>> StructuralRead::AssembleLeaf(const Leaf& leaf) {
  if (leaf.blobs) return leaf.blobs->Finish(pool_);
  ARROW_ASSIGN_OR_RAISE(LeafValidity valid, ValidityOf(leaf));
  return MakeLeafArray(*leaf.node, leaf.data, std::move(valid), pool_);
}

// `depth` counts layers from the outside; layer numbers count from the leaf.
Result<std::shared_ptr<ArrayData>> StructuralRead::Assemble(const FieldNode& node, size_t depth,
                                                            size_t* next_leaf) {
  if (!IsInner(node.kind)) return AssembleLeaf(leaves_[(*next_leaf)++]);
  const Leaf& leaf = leaves_[*next_leaf];
  const int64_t list_size = ListSize(node);
  ARROW_ASSIGN_OR_RAISE(LayerArrays layer,
                        ReadLayer(leaf.scheme, leaf.scheme.layers().size() - 1 - depth, leaf.data,
                                  ItemsPerSlot(node), pool_));
  std::vector<std::shared_ptr<ArrayData>> children;
  for (const FieldNode& child : node.children) {
    ARROW_ASSIGN_OR_RAISE(auto array, Assemble(child, depth + 1, next_leaf));
    if (node.kind != NodeKind::kList && array->length != layer.slots * list_size) {
      return bytes::Corrupt("fields of a struct have different numbers of values");
    }
    children.push_back(std::move(array));
  }
  if (node.kind == NodeKind::kList)
    return MakeListArray(node.field->type(), std::move(layer), std::move(children[0]), pool_);
  return ArrayData::Make(node.field->type(), layer.slots, {layer.validity}, std::move(children),
                         layer.null_count);
}

Result<std::shared_ptr<ArrayData>> StructuralRead::Finish() {
  if (!has_blobs()) ARROW_RETURN_NOT_OK(DecodeLeaves());
  size_t next_leaf = 0;
  auto array = Assemble(tree_.root, 0, &next_leaf);
  if (!array.ok()) return Context(array.status(), OnlyObject());
  if ((*array)->length != tree_.num_rows) {
    return Context(bytes::Corrupt("the field has " + std::to_string((*array)->length) + " of " +
                                  std::to_string(tree_.num_rows) + " rows"),
                   OnlyObject());
  }
  if (!permutation_) return array;
  ARROW_ASSIGN_OR_RAISE(arrow::Datum taken,
                        arrow::compute::Take(arrow::MakeArray(*array), permutation_));
  return taken.array();
}

}  // namespace

Result<std::unique_ptr<FieldRead>> MakeStructuralRead(FieldTree tree, arrow::MemoryPool* pool) {
  auto read = std::make_unique<StructuralRead>(std::move(tree), pool);
  ARROW_RETURN_NOT_OK(read->Init());
  return read;
}

}  // namespace pilum::file
