#include "encoding/page_layout/constant_page.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "encoding/page_layout/level_decoder.h"
#include "encoding/page_layout/nested_rows.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

class ConstantIndex final : public PageIndex {
 public:
  size_t memory_bytes() const override {
    return sizeof(*this) + 2 * (rep.size() + def.size()) + value.size();
  }

  std::vector<uint16_t> rep;
  std::vector<uint16_t> def;
  uint64_t entries = 0;
  std::vector<std::byte> value;
};

// Whether a scalar's offsets, of 32 or 64 bits, are those of one string of `size` bytes.
bool AreOffsetsOf(Bytes offsets, uint64_t size) {
  if (offsets.size() == 8) {
    return bytes::Load<uint32_t>(offsets.data()) == 0 &&
           bytes::Load<uint32_t>(offsets.data() + 4) == size;
  }
  return offsets.size() == 16 && bytes::Load<uint64_t>(offsets.data()) == 0 &&
         bytes::Load<uint64_t>(offsets.data() + 8) == size;
}

class ConstantPage final : public PageLayout {
 public:
  static Result<std::unique_ptr<PageLayout>> Make(const lance::encodings21::ConstantLayout& wire,
                                                  const PageLocation& location,
                                                  const LevelScheme& scheme, const LeafType& type);

  void IndexRanges(std::vector<ByteRange>* ranges) const override {
    ranges->insert(ranges->end(), buffers_.begin(), buffers_.end());
  }
  Result<std::shared_ptr<const PageIndex>> ParseIndex(
      std::span<const Bytes> fetched) const override;
  Status Plan(const PageIndex&, std::span<const Run>, std::vector<PlannedRead>*) const override {
    return Status::OK();  // everything is in the index
  }
  Status Decode(const PageIndex& index, std::span<const Run> runs,
                std::span<const PlannedRead> reads, std::span<const Bytes> fetched, Arena* arena,
                LeafBuilder* builder) const override;

 private:
  Result<std::vector<std::byte>> ParseScalar(Bytes scalar) const;
  Status CheckValue(const ConstantIndex& index) const;
  Status ParseLevels(Bytes rep, Bytes def, ConstantIndex* index) const;
  Status CheckLevels(const ConstantIndex& index) const;
  Status AppendAllNull(std::span<const Run> runs, LeafBuilder* builder) const;
  Status PutItems(const ConstantIndex& index, std::span<const uint16_t> def, int64_t slot,
                  uint64_t n, LeafBuilder* builder) const;

  PageLevels levels_;
  uint16_t num_lists_ = 0;
  LeafType type_;
  std::unique_ptr<LevelDecoder> rep_;
  std::unique_ptr<LevelDecoder> def_;
  uint64_t num_rep_ = 0;
  uint64_t num_def_ = 0;
  std::vector<ByteRange> buffers_;
  bool scalar_buffer_ = false;
  bool has_value_ = false;
  std::vector<std::byte> inline_value_;
  uint64_t rows_ = 0;
};

Result<std::unique_ptr<PageLayout>> ConstantPage::Make(
    const lance::encodings21::ConstantLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type) {
  auto page = std::make_unique<ConstantPage>();
  ARROW_ASSIGN_OR_RAISE(page->levels_, MapPageLevels(scheme, wire.layers()));
  page->num_lists_ = scheme.num_lists();
  page->type_ = type;
  page->rows_ = location.rows;
  page->buffers_ = location.buffers;
  const size_t buffers = location.buffers.size();
  if (buffers > 3)
    return bytes::Corrupt("constant page of " + std::to_string(buffers) + " buffers");
  page->scalar_buffer_ = buffers == 1 || buffers == 3;
  if (page->scalar_buffer_ && wire.has_inline_value()) {
    return bytes::Corrupt("constant page with two values");
  }
  page->has_value_ = page->scalar_buffer_ || wire.has_inline_value();
  if (wire.has_inline_value()) {
    const auto inline_value =
        std::as_bytes(std::span(wire.inline_value().data(), wire.inline_value().size()));
    page->inline_value_.assign(inline_value.begin(), inline_value.end());
  }
  if (buffers < 2 && scheme.num_lists() > 0) {
    return bytes::Corrupt("constant page of a list column without levels");
  }
  if (type.dictionary && page->has_value_) {
    return bytes::Corrupt("a constant value in a dictionary column");
  }
  const uint16_t max_def = page->levels_.max_def();
  if (!page->has_value_ && max_def == 0)
    return bytes::Corrupt("constant page of valid items without a value");
  page->rep_ = LevelDecoder::MakeRaw(scheme.num_lists());
  page->def_ = LevelDecoder::MakeRaw(max_def);
  if (wire.has_rep_compression()) {
    ARROW_ASSIGN_OR_RAISE(page->rep_,
                          LevelDecoder::Make(wire.rep_compression(), scheme.num_lists()));
    page->num_rep_ = wire.num_rep_values();
  } else if (buffers >= 2) {
    page->num_rep_ = location.buffers[buffers - 2].length / 2;
  }
  if (wire.has_def_compression()) {
    ARROW_ASSIGN_OR_RAISE(page->def_, LevelDecoder::Make(wire.def_compression(), max_def));
    page->num_def_ = wire.num_def_values();
  } else if (buffers >= 2) {
    page->num_def_ = location.buffers[buffers - 1].length / 2;
  }
  // Bounds what a damaged count can make us allocate: no page holds so many entries.
  if (page->num_rep_ > UINT32_MAX || page->num_def_ > UINT32_MAX) {
    return bytes::Corrupt("constant page of " +
                          std::to_string(std::max(page->num_rep_, page->num_def_)) + " levels");
  }
  return page;
}

Result<std::vector<std::byte>> ConstantPage::ParseScalar(Bytes scalar) const {
  bytes::ByteReader reader(scalar);
  ARROW_ASSIGN_OR_RAISE(uint32_t count, reader.Read<uint32_t>("number of scalar buffers"));
  if (count == 0 || count > 4)
    return bytes::Corrupt("scalar of " + std::to_string(count) + " buffers");
  std::vector<uint32_t> lengths(count);
  for (uint32_t& length : lengths) {
    ARROW_ASSIGN_OR_RAISE(length, reader.Read<uint32_t>("length of a scalar buffer"));
  }
  std::vector<Bytes> buffers(count);
  for (uint32_t i = 0; i < count; ++i) {
    ARROW_ASSIGN_OR_RAISE(buffers[i], reader.Take(lengths[i], "scalar buffer"));
  }
  if (type_.shape.variable) {
    if (count != 2 || !AreOffsetsOf(buffers[0], buffers[1].size()))
      return bytes::Corrupt("string scalar of " + std::to_string(count) +
                            " buffers, or with offsets of another string");
  }
  return std::vector<std::byte>(buffers.back().begin(), buffers.back().end());
}

Status ConstantPage::CheckValue(const ConstantIndex& index) const {
  const uint64_t size = (type_.shape.bits + 7) / 8;
  if (!has_value_ || type_.shape.variable || index.value.size() == size) return Status::OK();
  return bytes::Corrupt("constant of " + std::to_string(index.value.size()) +
                        " bytes where values have " + std::to_string(size));
}

Status ConstantPage::CheckLevels(const ConstantIndex& index) const {
  if (!index.rep.empty() && !index.def.empty() && index.rep.size() != index.def.size()) {
    return bytes::Corrupt(std::to_string(index.rep.size()) + " repetition and " +
                          std::to_string(index.def.size()) + " definition levels");
  }
  if (num_lists_ > 0 && index.rep.empty()) return bytes::Corrupt("lists without repetition levels");
  if (!has_value_ && std::find(index.def.begin(), index.def.end(), 0) != index.def.end())
    return bytes::Corrupt("a valid item in a constant page without a value");
  const uint64_t rows =
      index.rep.empty()
          ? index.entries
          : static_cast<uint64_t>(std::count(index.rep.begin(), index.rep.end(), num_lists_));
  if (rows != rows_ || (!index.rep.empty() && index.rep[0] != num_lists_)) {
    return bytes::Corrupt("the levels of a constant page have " + std::to_string(rows) + " of " +
                          std::to_string(rows_) + " rows");
  }
  return Status::OK();
}

Status ConstantPage::ParseLevels(Bytes rep, Bytes def, ConstantIndex* index) const {
  Arena arena;
  if (!rep.empty() && num_lists_ > 0) {
    ARROW_ASSIGN_OR_RAISE(auto levels, rep_->Decode(rep, num_rep_, &arena));
    index->rep.assign(levels.begin(), levels.end());
    index->entries = index->rep.size();
  }
  if (!def.empty()) {
    ARROW_ASSIGN_OR_RAISE(auto levels, def_->Decode(def, num_def_, &arena));
    index->def.assign(levels.begin(), levels.end());
    index->entries = index->def.size();
  }
  return CheckLevels(*index);
}

Result<std::shared_ptr<const PageIndex>> ConstantPage::ParseIndex(
    std::span<const Bytes> fetched) const {
  auto index = std::make_shared<ConstantIndex>();
  index->value = inline_value_;
  if (scalar_buffer_) {
    auto value = ParseScalar(fetched[0]);
    if (!value.ok()) return WithContext(value.status(), {.offset = buffers_[0].offset});
    index->value = *std::move(value);
  }
  ARROW_RETURN_NOT_OK(CheckValue(*index));
  index->entries = rows_;
  if (fetched.size() >= 2) {
    const size_t rep = fetched.size() - 2;
    ARROW_RETURN_NOT_OK(WithContext(ParseLevels(fetched[rep], fetched[rep + 1], index.get()),
                                    {.offset = buffers_[rep].offset}));
  }
  return index;
}

Status ConstantPage::PutItems(const ConstantIndex& index, std::span<const uint16_t> def,
                              int64_t slot, uint64_t n, LeafBuilder* builder) const {
  if (!has_value_) return builder->PutNothing(slot, n);
  if (!type_.shape.variable) return builder->PutRepeated(slot, index.value, n);
  for (uint64_t i = 0; i < n; ++i) {  // null strings have no bytes
    const bool null = !def.empty() && def[i] != 0;
    ARROW_RETURN_NOT_OK(builder->PutBytes(slot + static_cast<int64_t>(i),
                                          null ? Bytes() : Bytes(index.value),
                                          /*stable=*/true));
  }
  return Status::OK();
}

// Only the rows wanted, since no byte backs how many rows the page claims to have.
Status ConstantPage::AppendAllNull(std::span<const Run> runs, LeafBuilder* builder) const {
  std::vector<uint16_t> nulls;
  for (const Run& run : runs) {
    nulls.assign(run.count, 1);
    ARROW_RETURN_NOT_OK(builder->AppendLevels(levels_, {}, nulls, run.count));
    ARROW_ASSIGN_OR_RAISE(int64_t slot, builder->AppendSlots(run.count));
    ARROW_RETURN_NOT_OK(builder->PutNothing(slot, run.count));
  }
  return Status::OK();
}

Status ConstantPage::Decode(const PageIndex& page_index, std::span<const Run> runs,
                            std::span<const PlannedRead>, std::span<const Bytes>, Arena*,
                            LeafBuilder* builder) const {
  const auto& index = static_cast<const ConstantIndex&>(page_index);
  const bool all_null = !has_value_ && index.def.empty();
  if (!builder->nested()) {
    for (const Run& run : runs) {
      if (all_null) {
        ARROW_RETURN_NOT_OK(builder->PutNulls(run.slot, run.count));
        continue;
      }
      std::span<const uint16_t> def = index.def;
      if (!def.empty()) {
        def = def.subspan(run.row, run.count);
        ARROW_RETURN_NOT_OK(builder->PutValidity(run.slot, def));
      }
      ARROW_RETURN_NOT_OK(PutItems(index, def, run.slot, run.count, builder));
    }
    return Status::OK();
  }
  if (all_null && index.rep.empty()) return AppendAllNull(runs, builder);
  LevelStretch stretch{.rep = index.rep, .def = index.def, .entries = index.entries};
  std::vector<uint16_t> nulls;
  if (all_null) {  // without definition levels: null at the innermost layer that can be
    nulls.assign(index.entries, 1);
    stretch.def = nulls;
  }
  return AppendRows(levels_, stretch, runs, builder, [&](int64_t slot, uint64_t, uint64_t n) {
    return PutItems(index, {}, slot, n, builder);
  });
}

}  // namespace

Result<std::unique_ptr<PageLayout>> MakeConstantPage(const lance::encodings21::ConstantLayout& wire,
                                                     const PageLocation& location,
                                                     const LevelScheme& scheme,
                                                     const LeafType& type) {
  return ConstantPage::Make(wire, location, scheme, type);
}

}  // namespace pilum::encoding
