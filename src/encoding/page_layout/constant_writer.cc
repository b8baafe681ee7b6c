// Constant pages (bytes: constant_page.h).
#include <algorithm>
#include <cstring>

#include "encoding/page_layout/level_encoder.h"
#include "encoding/page_layout/page_writer.h"

namespace pilum::encoding {
namespace {

constexpr uint64_t kMostInlineBytes = 32;
// Of a value that is alone in its page: readers keep constants, and there is nothing to gain.
constexpr uint64_t kMostLoneBytes = 4096;

/// The value that all valid slots have, if that is so. There is at least one.
class CommonValue {
 public:
  CommonValue(const LeafRows& rows, const DeclaredLevels& levels, const LeafType& type)
      : rows_(rows), levels_(levels), type_(type) {}

  std::optional<Bytes> Find() {
    std::optional<Bytes> common;
    uint64_t slot = 0;
    for (uint64_t entry = 0; slot < rows_.slots; ++entry) {
      if (!levels_.IsVisible(entry)) continue;
      const uint64_t own = slot++;
      if (!levels_.def.empty() && levels_.def[entry] != 0) continue;
      const Bytes value = ValueOf(own);
      if (!common) common.emplace(value);
      if (!std::equal(value.begin(), value.end(), common->begin(), common->end()))
        return std::nullopt;
    }
    return common;
  }

 private:
  Bytes ValueOf(uint64_t slot) {
    if (type_.shape.variable) {
      const auto& offsets = rows_.values.offsets;
      return rows_.values.bytes.subspan(offsets[slot], offsets[slot + 1] - offsets[slot]);
    }
    if (type_.shape.bits == 1) {
      const bool set = (static_cast<uint8_t>(rows_.values.fixed[slot / 8]) >> (slot % 8) & 1) != 0;
      static constexpr std::byte kBools[] = {std::byte{0}, std::byte{1}};
      return Bytes(&kBools[set], 1);
    }
    return rows_.values.fixed.subspan(slot * type_.shape.bits / 8, type_.shape.bits / 8);
  }

  const LeafRows& rows_;
  const DeclaredLevels& levels_;
  const LeafType& type_;
};

/// An Arrow array of one element: the number of its buffers, their sizes, their bytes.
std::shared_ptr<arrow::Buffer> Scalar(Bytes value, const LeafType& type, arrow::MemoryPool* pool) {
  ByteWriter out(pool);
  if (!type.shape.variable) {
    out.Put(uint32_t{1});
    out.Put(static_cast<uint32_t>(value.size()));
    out.Append(value);
    return out.Finish();
  }
  out.Put(uint32_t{2});
  out.Put(uint32_t{type.wide_offsets ? 16u : 8u});
  out.Put(static_cast<uint32_t>(value.size()));
  if (type.wide_offsets) {
    out.Put(uint64_t{0});
    out.Put(uint64_t{value.size()});
  } else {
    out.Put(uint32_t{0});
    out.Put(static_cast<uint32_t>(value.size()));
  }
  out.Append(value);
  return out.Finish();
}

std::shared_ptr<arrow::Buffer> RawLevels(std::span<const uint16_t> levels,
                                         arrow::MemoryPool* pool) {
  ByteWriter out(pool);
  out.Append(std::as_bytes(levels));
  return out.Finish();
}

std::shared_ptr<arrow::Buffer> EncodedLevels(std::span<const uint16_t> levels, uint16_t max_level,
                                             arrow::MemoryPool* pool, Wire* wire) {
  const LevelEncoder encoder(levels, max_level, levels.size(), /*runs_allowed=*/true);
  ByteWriter out(pool);
  encoder.Append(levels, &out);
  *wire = encoder.wire();
  return out.Finish();
}

/// From 2.2 on, levels of a page without a value may be encoded as those of other pages are.
void AppendLevels(const DeclaredLevels& levels, bool encoded, arrow::MemoryPool* pool,
                  EncodedPage* page) {
  auto* wire = page->layout.mutable_constant_layout();
  if (!encoded || levels.rep.empty()) {
    page->buffers.push_back(RawLevels(levels.rep, pool));
  } else {
    page->buffers.push_back(
        EncodedLevels(levels.rep, levels.max_rep, pool, wire->mutable_rep_compression()));
    wire->set_num_rep_values(levels.rep.size());
  }
  if (!encoded || levels.def.empty()) {
    page->buffers.push_back(RawLevels(levels.def, pool));
  } else {
    page->buffers.push_back(
        EncodedLevels(levels.def, levels.max_def, pool, wire->mutable_def_compression()));
    wire->set_num_def_values(levels.def.size());
  }
}

}  // namespace

std::optional<EncodedPage> WriteConstantPage(const LeafRows& rows, const DeclaredLevels& levels,
                                             const LeafType& type, const PageOptions& options) {
  EncodedPage page;
  auto* wire = page.layout.mutable_constant_layout();
  const bool any_valid =
      levels.def.empty() ? rows.slots > 0
                         : std::find(levels.def.begin(), levels.def.end(), 0) != levels.def.end();
  if (any_valid) {
    if (!options.large_chunks || type.dictionary || !type.shape.list_sizes.empty() ||
        !type.shape.fields.empty())
      return std::nullopt;
    const auto value = CommonValue(rows, levels, type).Find();
    if (!value || (rows.slots == 1 && value->size() > kMostLoneBytes)) return std::nullopt;
    if (!type.shape.variable && value->size() <= kMostInlineBytes) {
      wire->set_inline_value(value->data(), value->size());
    } else {
      page.buffers.push_back(Scalar(*value, type, options.pool));
    }
  }
  for (auto layer : levels.layers) wire->add_layers(layer);
  page.rows = rows.rows;
  // Rows that are all null by themselves need no levels.
  const bool all_null_rows = !any_valid && levels.layers.size() == 1;
  if ((levels.max_rep > 0 || levels.max_def > 0) && !all_null_rows)
    AppendLevels(levels, options.large_chunks && !any_valid, options.pool, &page);
  return page;
}

}  // namespace pilum::encoding
