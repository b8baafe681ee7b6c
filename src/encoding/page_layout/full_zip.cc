#include "encoding/page_layout/full_zip.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "encoding/fixed_size_list/fixed_size_list.h"
#include "encoding/page_layout/nested_rows.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

/// Where rows start in the data buffer; empty if every row has the same size.
class FullZipIndex final : public PageIndex {
 public:
  size_t memory_bytes() const override { return sizeof(*this) + offsets_.size() * 8; }

  Status SetOffsets(Bytes table, uint64_t rows, uint64_t data_bytes);
  void SetRowBytes(uint64_t row_bytes) { row_bytes_ = row_bytes; }
  uint64_t offset(uint64_t row) const {
    return offsets_.empty() ? row * row_bytes_ : offsets_[row];
  }

 private:
  std::vector<uint64_t> offsets_;
  uint64_t row_bytes_ = 0;
};

Status FullZipIndex::SetOffsets(Bytes table, uint64_t rows, uint64_t data_bytes) {
  const uint64_t width = table.size() / (rows + 1);
  if (table.size() % (rows + 1) != 0 || (width != 1 && width != 2 && width != 4 && width != 8)) {
    return bytes::Corrupt("row offsets of " + std::to_string(table.size()) + " bytes for " +
                          std::to_string(rows) + " rows");
  }
  offsets_.resize(rows + 1);
  uint64_t previous = 0;
  for (uint64_t row = 0; row <= rows; ++row) {
    uint64_t offset = 0;
    std::memcpy(&offset, table.data() + row * width, width);
    if (offset < previous || offset > data_bytes) {
      return bytes::Corrupt("row " + std::to_string(row) + " starts at byte " +
                            std::to_string(offset) + " after " + std::to_string(previous) +
                            ", in " + std::to_string(data_bytes) + " bytes");
    }
    offsets_[row] = previous = offset;
  }
  if (offsets_[0] != 0 || previous != data_bytes) {
    return bytes::Corrupt("rows from byte " + std::to_string(offsets_[0]) + " to " +
                          std::to_string(previous) + " of " + std::to_string(data_bytes));
  }
  return Status::OK();
}

/// An entry in the data buffer.
struct Entry {
  uint16_t rep = 0;
  uint16_t def = 0;
  Bytes value;  // encoded
  bool has_value = false;
};

class FullZipPage final : public PageLayout {
 public:
  static Result<std::unique_ptr<PageLayout>> Make(const lance::encodings21::FullZipLayout& wire,
                                                  const PageLocation& location,
                                                  const LevelScheme& scheme, const LeafType& type);

  void IndexRanges(std::vector<ByteRange>* ranges) const override {
    if (has_offsets_) ranges->push_back(offsets_range_);
  }
  Result<std::shared_ptr<const PageIndex>> ParseIndex(
      std::span<const Bytes> fetched) const override;
  Status Plan(const PageIndex& index, std::span<const Run> runs,
              std::vector<PlannedRead>* reads) const override;
  bool ValueLengths(const PageIndex& index, std::span<const Run> runs,
                    std::span<uint64_t> lengths) const override;
  Status Decode(const PageIndex& index, std::span<const Run> runs,
                std::span<const PlannedRead> reads, std::span<const Bytes> fetched, Arena* arena,
                LeafBuilder* builder) const override;

 private:
  Status SetFixed(const lance::encodings21::FullZipLayout& wire, const LeafType& type);
  Status SetNullItems(const LeafType& type, uint64_t bitmap_bytes);
  Status SetVariable(const lance::encodings21::FullZipLayout& wire, const LeafType& type);
  uint32_t head_bytes() const { return control_bytes_ + static_cast<uint32_t>(length_bytes_); }
  Result<uint64_t> ReadLength(bytes::ByteReader* reader) const;
  Result<Entry> ReadEntry(bytes::ByteReader* reader) const;
  Status CheckHead(Bytes head, uint64_t value_bytes) const;
  Status PutValue(const Entry& entry, int64_t slot, Arena* arena, LeafBuilder* builder) const;
  Status CheckNullItems(Bytes row) const;
  Status PutFixed(Bytes row, int64_t slot, LeafBuilder* builder) const;
  Status DecodeFlatRun(const Run& run, Bytes bytes, Arena* arena, LeafBuilder* builder) const;
  Status DecodeNestedRun(const Run& run, Bytes bytes, Arena* arena, LeafBuilder* builder) const;

  PageLevels levels_;
  uint16_t row_level_ = 0;
  uint32_t bits_def_ = 0;
  uint32_t control_bytes_ = 0;
  uint64_t value_bytes_ = 0;   // fixed width
  uint64_t length_bytes_ = 0;  // variable
  bool as_they_are_ = false;   // variable: values are not compressed
  bool widened_bool_ = false;
  ListLevels lists_;
  bool list_bitmaps_ = false;
  std::vector<std::byte> null_items_;  // zeros, where no item has a value
  std::vector<uint64_t> null_levels_;  // bytes of the bitmaps of the levels that are not stored
  std::unique_ptr<PerValueDecoder> decoder_;
  uint64_t rows_ = 0;
  ByteRange data_range_;
  ByteRange offsets_range_;
  bool has_offsets_ = false;
};

Status FullZipPage::SetFixed(const lance::encodings21::FullZipLayout& wire, const LeafType& type) {
  const Wire& values = wire.value_compression();
  if (type.shape.variable || wire.bits_per_value() % 8 != 0 || wire.bits_per_value() == 0) {
    return bytes::Corrupt("full-zip values of " + std::to_string(wire.bits_per_value()) +
                          " bits in this column");
  }
  value_bytes_ = wire.bits_per_value() / 8;
  uint64_t bitmap_bytes = 0;
  uint64_t items = 1;
  const Wire* leaf = &values;
  if (values.compression_case() == Wire::kFixedSizeList) {
    ARROW_ASSIGN_OR_RAISE(lists_, ReadListLevels(values));
    leaf = lists_.items;
    for (size_t i = 0; i < lists_.sizes.size(); ++i) {
      items *= lists_.sizes[i];
      if (lists_.has_validity[i]) bitmap_bytes += (items + 7) / 8;
    }
  }
  list_bitmaps_ = bitmap_bytes > 0;
  if (leaf->has_constant() && !leaf->constant().has_value() && list_bitmaps_)
    return SetNullItems(type, bitmap_bytes);
  ARROW_ASSIGN_OR_RAISE(auto plain, MakeMiniBlockDecoder(*leaf));
  if (leaf->compression_case() != Wire::kFlat && leaf->compression_case() != Wire::kPackedStruct) {
    return MakeError(ErrorKind::kUnsupported,
                     "full-zip values encoded as " + DescribeEncoding(values));
  }
  const uint64_t leaf_bits = plain->shape().bits * items;
  widened_bool_ = type.shape.bits == 1 && leaf_bits == 8 && lists_.sizes.empty();
  if (leaf_bits % 8 != 0)
    return bytes::Corrupt("full-zip values of " + std::to_string(leaf_bits) + " bits");
  if (lists_.sizes != type.shape.list_sizes || plain->shape().fields != type.shape.fields ||
      (leaf_bits != type.shape.bits && !widened_bool_) ||
      value_bytes_ != bitmap_bytes + leaf_bits / 8) {
    return bytes::Corrupt("the page's values are not of the column's type");
  }
  return Status::OK();
}

// Lists whose items are all null have bitmaps alone, of as many levels as are needed to say so.
Status FullZipPage::SetNullItems(const LeafType& type, uint64_t bitmap_bytes) {
  const auto& sizes = type.shape.list_sizes;
  if (!lists_.has_validity.back() || lists_.sizes.size() > sizes.size() ||
      !std::equal(lists_.sizes.begin(), lists_.sizes.end(), sizes.begin()) ||
      value_bytes_ != bitmap_bytes) {
    return bytes::Corrupt("the page's values are not of the column's type");
  }
  uint64_t items = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    items *= sizes[i];
    if (i >= lists_.sizes.size()) null_levels_.push_back((items + 7) / 8);
  }
  null_items_.resize(std::max((type.shape.bits + 7) / 8, (items + 7) / 8));
  return Status::OK();
}

Status FullZipPage::SetVariable(const lance::encodings21::FullZipLayout& wire,
                                const LeafType& type) {
  if (!type.shape.variable) return bytes::Corrupt("variable-width values in a fixed-width column");
  if (wire.bits_per_offset() != 32 && wire.bits_per_offset() != 64) {
    return bytes::Corrupt("lengths of " + std::to_string(wire.bits_per_offset()) + " bits");
  }
  length_bytes_ = wire.bits_per_offset() / 8;
  ARROW_ASSIGN_OR_RAISE(decoder_, MakePerValueDecoder(wire.value_compression()));
  as_they_are_ = wire.value_compression().compression_case() == Wire::kVariable;
  if (decoder_->shape() != type.shape)
    return bytes::Corrupt("the page's values are not of the column's type");
  return Status::OK();
}

Result<std::unique_ptr<PageLayout>> FullZipPage::Make(const lance::encodings21::FullZipLayout& wire,
                                                      const PageLocation& location,
                                                      const LevelScheme& scheme,
                                                      const LeafType& type) {
  auto page = std::make_unique<FullZipPage>();
  ARROW_ASSIGN_OR_RAISE(page->levels_, MapPageLevels(scheme, wire.layers()));
  page->row_level_ = scheme.num_lists();
  if (type.dictionary) return bytes::Corrupt("a full-zip page in a dictionary column");
  if (wire.bits_rep() > 16 || wire.bits_def() > 16)
    return bytes::Corrupt("levels of more than 16 bits");
  if ((wire.bits_rep() > 0) != (scheme.num_lists() > 0)) {
    return bytes::Corrupt("full-zip page with " + std::to_string(wire.bits_rep()) +
                          " repetition bits in a column of " + std::to_string(scheme.num_lists()) +
                          " list layers");
  }
  const uint32_t bits = wire.bits_rep() + wire.bits_def();
  page->bits_def_ = wire.bits_def();
  page->control_bytes_ = bits == 0 ? 0 : bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
  const bool variable = wire.details_case() == lance::encodings21::FullZipLayout::kBitsPerOffset;
  ARROW_RETURN_NOT_OK(variable ? page->SetVariable(wire, type) : page->SetFixed(wire, type));
  page->has_offsets_ = variable || wire.bits_rep() > 0;
  page->rows_ = location.rows;
  if (location.buffers.size() != (page->has_offsets_ ? 2 : 1)) {
    return bytes::Corrupt("full-zip page of " + std::to_string(location.buffers.size()) +
                          " buffers");
  }
  page->data_range_ = location.buffers[0];
  if (page->has_offsets_) page->offsets_range_ = location.buffers[1];
  const uint64_t row_bytes = page->control_bytes_ + page->value_bytes_;
  if (!page->has_offsets_ && page->rows_ > page->data_range_.length / row_bytes) {
    return bytes::Truncated("full-zip rows", 0, page->rows_ * row_bytes, page->data_range_.length);
  }
  if (page->has_offsets_ && page->rows_ >= page->offsets_range_.length) {
    return bytes::Corrupt("row offsets of " + std::to_string(page->offsets_range_.length) +
                          " bytes for " + std::to_string(page->rows_) + " rows");
  }
  return page;
}

Result<std::shared_ptr<const PageIndex>> FullZipPage::ParseIndex(
    std::span<const Bytes> fetched) const {
  auto index = std::make_shared<FullZipIndex>();
  if (has_offsets_) {
    ARROW_RETURN_NOT_OK(WithContext(index->SetOffsets(fetched[0], rows_, data_range_.length),
                                    {.offset = offsets_range_.offset}));
  } else {
    index->SetRowBytes(control_bytes_ + value_bytes_);
  }
  return index;
}

Status FullZipPage::Plan(const PageIndex& page_index, std::span<const Run> runs,
                         std::vector<PlannedRead>* reads) const {
  const auto& index = static_cast<const FullZipIndex&>(page_index);
  for (uint32_t i = 0; i < runs.size(); ++i) {
    const uint64_t begin = index.offset(runs[i].row);
    const uint64_t end = index.offset(runs[i].row + runs[i].count);
    const bool one_value = as_they_are_ && runs[i].count == 1 && end - begin > head_bytes();
    reads->push_back({.range = {data_range_.offset + begin, end - begin},
                      .first_run = i,
                      .num_runs = 1,
                      .head = one_value ? head_bytes() : 0});
  }
  return Status::OK();
}

bool FullZipPage::ValueLengths(const PageIndex& page_index, std::span<const Run> runs,
                               std::span<uint64_t> lengths) const {
  if (!as_they_are_) return false;
  const auto& index = static_cast<const FullZipIndex&>(page_index);
  for (const Run& run : runs) {
    for (uint32_t i = 0; i < run.count; ++i) {
      const uint64_t stored = index.offset(run.row + i + 1) - index.offset(run.row + i);
      lengths[static_cast<size_t>(run.slot) + i] =
          stored - std::min<uint64_t>(stored, head_bytes());
    }
  }
  return true;
}

Status FullZipPage::Decode(const PageIndex& index, std::span<const Run> runs,
                           std::span<const PlannedRead> reads, std::span<const Bytes> fetched,
                           Arena* arena, LeafBuilder* builder) const {
  for (size_t i = 0; i < reads.size(); ++i) {
    const Run& run = runs[reads[i].first_run];
    const uint64_t in_place = reads[i].range.length - fetched[i].size();
    Status status = in_place > 0        ? CheckHead(fetched[i], in_place)
                    : builder->nested() ? DecodeNestedRun(run, fetched[i], arena, builder)
                                        : DecodeFlatRun(run, fetched[i], arena, builder);
    if (!status.ok()) return WithContext(status, {.offset = reads[i].range.offset});
  }
  return Status::OK();
}

Result<uint64_t> FullZipPage::ReadLength(bytes::ByteReader* reader) const {
  if (length_bytes_ == 4) return reader->Read<uint32_t>("length of a value");
  return reader->Read<uint64_t>("length of a value");
}

Result<Entry> FullZipPage::ReadEntry(bytes::ByteReader* reader) const {
  Entry entry;
  if (control_bytes_ > 0) {
    ARROW_ASSIGN_OR_RAISE(Bytes raw, reader->Take(control_bytes_, "control word"));
    uint32_t word = 0;
    std::memcpy(&word, raw.data(), control_bytes_);
    entry.def = static_cast<uint16_t>(word & ((uint32_t{1} << bits_def_) - 1));
    const uint32_t rep = word >> bits_def_;
    if (entry.def > levels_.max_def() || rep > row_level_) {
      return bytes::Corrupt("control word " + std::to_string(word) +
                            " with levels the page does not have");
    }
    entry.rep = static_cast<uint16_t>(rep);
  }
  if (value_bytes_ > 0) {
    entry.has_value = entry.def <= levels_.max_visible;
    if (entry.has_value) {
      ARROW_ASSIGN_OR_RAISE(entry.value, reader->Take(value_bytes_, "value"));
    }
    return entry;
  }
  entry.has_value = entry.def == 0;
  if (!entry.has_value) return entry;
  ARROW_ASSIGN_OR_RAISE(const uint64_t length, ReadLength(reader));
  ARROW_ASSIGN_OR_RAISE(entry.value, reader->Take(length, "value"));
  return entry;
}

// Of a value that is in its place.
Status FullZipPage::CheckHead(Bytes head, uint64_t value_bytes) const {
  bytes::ByteReader reader(head);
  ARROW_ASSIGN_OR_RAISE(Bytes control, reader.Take(control_bytes_, "control word"));
  ARROW_ASSIGN_OR_RAISE(const uint64_t length, ReadLength(&reader));
  const bool valid = std::all_of(control.begin(), control.end(),
                                 [](std::byte byte) { return byte == std::byte{0}; });
  if (valid && length == value_bytes) return Status::OK();
  return bytes::Corrupt((valid ? "a value of " + std::to_string(length) + " bytes" : "no value") +
                        " where the row offsets have one of " + std::to_string(value_bytes));
}

// The bitmap of the innermost level that is stored is the last one, and nothing follows it.
Status FullZipPage::CheckNullItems(Bytes row) const {
  if (null_items_.empty()) return Status::OK();
  uint64_t items = 1;
  for (uint64_t size : lists_.sizes) items *= size;
  for (std::byte bits : row.last((items + 7) / 8)) {
    if (bits != std::byte{0}) return bytes::Corrupt("a valid list item in a page without values");
  }
  return Status::OK();
}

Status FullZipPage::PutFixed(Bytes row, int64_t slot, LeafBuilder* builder) const {
  if (widened_bool_) return builder->PutRepeated(slot, row, 1);
  Values values;
  uint64_t items = 1;
  for (size_t i = 0; i < lists_.sizes.size(); ++i) {
    items *= lists_.sizes[i];
    const uint64_t size = lists_.has_validity[i] ? (items + 7) / 8 : 0;
    values.item_validity.push_back(row.first(size));
    row = row.subspan(size);
  }
  for (uint64_t size : null_levels_) values.item_validity.push_back(Bytes(null_items_).first(size));
  values.fixed = null_items_.empty() ? row : Bytes(null_items_);
  return builder->Put(slot, values, 0, 1, false);
}

Status FullZipPage::PutValue(const Entry& entry, int64_t slot, Arena* arena,
                             LeafBuilder* builder) const {
  if (!entry.has_value) return builder->PutNothing(slot, 1);
  if (value_bytes_ > 0) {
    if (entry.def == 0) ARROW_RETURN_NOT_OK(CheckNullItems(entry.value));
    return PutFixed(entry.value, slot, builder);
  }
  arena->Reset();
  ARROW_ASSIGN_OR_RAISE(Bytes value, decoder_->Decode(entry.value, arena));
  return builder->PutBytes(slot, value, decoder_->stable());
}

Status FullZipPage::DecodeFlatRun(const Run& run, Bytes bytes, Arena* arena,
                                  LeafBuilder* builder) const {
  if (control_bytes_ == 0 && value_bytes_ > 0 && !list_bitmaps_ && !widened_bool_) {
    Values values;
    values.fixed = bytes;
    values.item_validity.resize(lists_.sizes.size());
    return builder->Put(run.slot, values, 0, run.count, false);
  }
  bytes::ByteReader reader(bytes);
  for (uint32_t i = 0; i < run.count; ++i) {
    ARROW_ASSIGN_OR_RAISE(Entry entry, ReadEntry(&reader));
    const int64_t slot = run.slot + i;
    if (entry.def != 0) ARROW_RETURN_NOT_OK(builder->PutValidity(slot, {&entry.def, 1}));
    ARROW_RETURN_NOT_OK(PutValue(entry, slot, arena, builder));
  }
  if (reader.remaining() > 0) {
    return bytes::Corrupt("rows end " + std::to_string(reader.remaining()) +
                          " bytes before their offsets say");
  }
  return Status::OK();
}

Status FullZipPage::DecodeNestedRun(const Run& run, Bytes bytes, Arena* arena,
                                    LeafBuilder* builder) const {
  bytes::ByteReader reader(bytes);
  uint64_t rows = 0;
  while (reader.remaining() > 0) {
    const bool first = reader.position() == 0;
    ARROW_ASSIGN_OR_RAISE(Entry entry, ReadEntry(&reader));
    const bool starts = entry.rep == row_level_;
    if (first && !starts)
      return bytes::Corrupt("a row offset does not point at the start of a row");
    rows += starts;
    const std::span<const uint16_t> rep(&entry.rep, row_level_ > 0 ? 1 : 0);
    ARROW_RETURN_NOT_OK(builder->AppendLevels(levels_, rep, {&entry.def, 1}, 1));
    if (entry.def > levels_.max_visible) continue;
    ARROW_ASSIGN_OR_RAISE(int64_t slot, builder->AppendSlots(1));
    ARROW_RETURN_NOT_OK(PutValue(entry, slot, arena, builder));
  }
  if (rows != run.count) {
    return bytes::Corrupt(std::to_string(rows) + " rows where the row offsets have " +
                          std::to_string(run.count));
  }
  return Status::OK();
}

}  // namespace

Result<std::unique_ptr<PageLayout>> MakeFullZipPage(const lance::encodings21::FullZipLayout& wire,
                                                    const PageLocation& location,
                                                    const LevelScheme& scheme,
                                                    const LeafType& type) {
  return FullZipPage::Make(wire, location, scheme, type);
}

}  // namespace pilum::encoding
