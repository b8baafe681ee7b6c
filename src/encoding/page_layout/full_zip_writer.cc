// Full-zip pages (bytes: full_zip.h).
#include <algorithm>
#include <bit>

#include <arrow/util/bitmap_ops.h>

#include "encoding/flat/flat_encode.h"
#include "encoding/page_layout/page_writer.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

uint32_t BitsFor(uint64_t largest) { return static_cast<uint32_t>(std::bit_width(largest)); }

void PutNumber(uint64_t value, size_t width, ByteWriter* out) {
  if (width > 0) std::memcpy(out->Extend(width), &value, width);
}

class ZipWriter {
 public:
  ZipWriter(const LeafRows& rows, const Values& values, const DeclaredLevels& levels,
            const LeafType& type, const PerValueEncoder* encoder, const PageOptions& options)
      : rows_(rows),
        values_(values),
        levels_(levels),
        type_(type),
        encoder_(encoder),
        options_(options),
        bits_rep_(BitsFor(levels.max_rep)),
        bits_def_(BitsFor(levels.max_def)),
        control_bytes_(std::bit_ceil((bits_rep_ + bits_def_ + 7) / 8)),
        data_(options.pool) {
    if (bits_rep_ + bits_def_ == 0) control_bytes_ = 0;
  }

  Result<EncodedPage> Write() {
    if (!type_.shape.variable && control_bytes_ == 0 && !HasItemBitmaps() && type_.shape.bits > 1) {
      data_.Append(values_.fixed.first(rows_.slots * type_.shape.bits / 8));
    } else {
      ARROW_RETURN_NOT_OK(WriteEntries());
    }
    return Finish();
  }

 private:
  bool HasItemBitmaps() const {
    return std::any_of(values_.item_validity.begin(), values_.item_validity.end(),
                       [](Bytes bitmap) { return !bitmap.empty(); });
  }
  bool HasOffsets() const { return type_.shape.variable || levels_.max_rep > 0; }

  /// Where values are encoded, more than enough.
  uint64_t MostBytes() const {
    const uint64_t values = type_.shape.variable
                                ? values_.offsets.back() - values_.offsets.front() +
                                      rows_.slots * (type_.wide_offsets ? 8 : 4)
                                : rows_.slots * BitsPerValue() / 8;
    return values + rows_.entries * control_bytes_;
  }

  Status WriteEntries() {
    data_.Reserve(MostBytes());
    uint64_t slot = 0;
    for (uint64_t entry = 0; entry < rows_.entries; ++entry) {
      const uint64_t rep = levels_.rep.empty() ? 0 : levels_.rep[entry];
      const uint64_t def = levels_.def.empty() ? 0 : levels_.def[entry];
      if (HasOffsets() && (levels_.rep.empty() || rep == levels_.max_rep))
        row_starts_.push_back(data_.size());
      PutNumber(rep << bits_def_ | def, control_bytes_, &data_);
      if (def > levels_.max_visible) continue;
      if (!type_.shape.variable) {
        PutFixed(slot);
      } else if (def == 0) {
        ARROW_RETURN_NOT_OK(PutVariable(slot));
      }
      ++slot;
    }
    if (HasOffsets()) row_starts_.push_back(data_.size());
    return Status::OK();
  }

  // The bitmaps of the items, outermost lists first, and the items.
  void PutFixed(uint64_t slot) {
    uint64_t items = 1;
    for (size_t level = 0; level < values_.item_validity.size(); ++level) {
      items *= type_.shape.list_sizes[level];
      const Bytes bitmap = values_.item_validity[level];
      if (!bitmap.empty()) PutBits(bitmap, slot * items, items);
    }
    const uint64_t bits = type_.shape.bits;
    if (bits == 1) return PutBits(values_.fixed, slot, 1);  // widened to a byte
    data_.Append(values_.fixed.subspan(slot * bits / 8, bits / 8));
  }

  void PutBits(Bytes bitmap, uint64_t first, uint64_t n) {
    auto* to = reinterpret_cast<uint8_t*>(data_.Extend((n + 7) / 8));
    to[(n + 7) / 8 - 1] = 0;
    arrow::internal::CopyBitmap(reinterpret_cast<const uint8_t*>(bitmap.data()),
                                static_cast<int64_t>(first), static_cast<int64_t>(n), to, 0);
  }

  Status PutVariable(uint64_t slot) {
    const auto& offsets = values_.offsets;
    const size_t width = type_.wide_offsets ? 8 : 4;
    const size_t at = data_.size();
    data_.Extend(width);
    ARROW_RETURN_NOT_OK(encoder_->Encode(
        values_.bytes.subspan(offsets[slot], offsets[slot + 1] - offsets[slot]), &data_));
    const uint64_t length = data_.size() - at - width;
    if (width == 8) {
      data_.PutAt(at, length);
    } else {
      data_.PutAt(at, static_cast<uint32_t>(length));
    }
    return Status::OK();
  }

  uint64_t BitsPerValue() const {
    uint64_t bits = std::max<uint64_t>(type_.shape.bits, 8);
    uint64_t items = 1;
    for (size_t level = 0; level < values_.item_validity.size(); ++level) {
      items *= type_.shape.list_sizes[level];
      if (!values_.item_validity[level].empty()) bits += (items + 7) / 8 * 8;
    }
    return bits;
  }

  EncodedPage Finish() {
    EncodedPage page;
    auto* wire = page.layout.mutable_full_zip_layout();
    wire->set_bits_rep(bits_rep_);
    wire->set_bits_def(bits_def_);
    wire->set_num_items(static_cast<uint32_t>(rows_.entries));
    wire->set_num_visible_items(static_cast<uint32_t>(rows_.slots));
    for (auto layer : levels_.layers) wire->add_layers(layer);
    if (type_.shape.variable) {
      wire->set_bits_per_offset(type_.wide_offsets ? 64 : 32);
      *wire->mutable_value_compression() = encoder_->wire();
    } else {
      wire->set_bits_per_value(static_cast<uint32_t>(BitsPerValue()));
      *wire->mutable_value_compression() =
          type_.shape.bits == 1 ? FlatWire(8) : FixedWire(type_.shape, values_);
    }
    page.rows = rows_.rows;
    const size_t total = data_.size();
    page.buffers.push_back(data_.Finish());
    if (HasOffsets()) page.buffers.push_back(RowOffsets(total));
    return page;
  }

  std::shared_ptr<arrow::Buffer> RowOffsets(size_t total) const {
    const size_t width = std::bit_ceil<size_t>((BitsFor(total | 1) + 7) / 8);
    ByteWriter offsets(options_.pool);
    for (uint64_t start : row_starts_) PutNumber(start, width, &offsets);
    return offsets.Finish();
  }

  const LeafRows& rows_;
  const Values& values_;
  const DeclaredLevels& levels_;
  const LeafType& type_;
  const PerValueEncoder* encoder_;
  const PageOptions& options_;
  uint32_t bits_rep_;
  uint32_t bits_def_;
  size_t control_bytes_;
  ByteWriter data_;
  std::vector<uint64_t> row_starts_;  // and the end of the last
};

}  // namespace

Result<EncodedPage> WriteFullZipPage(const LeafRows& rows, const Values& values,
                                     const DeclaredLevels& levels, const LeafType& type,
                                     const PerValueEncoder* encoder, const PageOptions& options) {
  return ZipWriter(rows, values, levels, type, encoder, options).Write();
}

}  // namespace pilum::encoding
