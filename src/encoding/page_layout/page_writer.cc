#include "encoding/page_layout/page_writer.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "encoding/flat/flat_encode.h"
#include "encoding/general/general_page.h"
#include "encoding/variable/variable_encode.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using arrow::Result;

// From this size on, values are stored side by side with their levels.
constexpr uint64_t kLargeValue = 256;

uint64_t LargestValue(const LeafRows& rows, const LeafType& type) {
  if (!type.shape.variable) return type.shape.bits / 8;
  uint32_t largest = 0;
  for (size_t i = 0; i < rows.slots; ++i)
    largest = std::max(largest, rows.values.offsets[i + 1] - rows.values.offsets[i]);
  return largest;
}

bool FillsBytes(const LeafType& type) { return type.shape.variable || type.shape.bits % 8 == 0; }

/// In chunks; nothing if some chunk would be too large.
Result<std::optional<EncodedPage>> WriteSmallValues(const LeafRows& rows,
                                                    const DeclaredLevels& levels,
                                                    const LeafType& type,
                                                    const PageOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto values,
                        ChooseMiniBlock(rows, type, options.compression, options.pool));
  ARROW_ASSIGN_OR_RAISE(auto page, WriteMiniBlockPage(rows, levels, std::move(values), options));
  if (page || (!type.dictionary && (FillsBytes(type) || type.shape.bits == 1))) return page;
  return MakeError(ErrorKind::kUnsupported,
                   "a run of more than 32767 empty or null lists between two values");
}

/// Large values that repeat make a page of small ones.
Result<std::optional<EncodedPage>> WriteRepeatedValues(const LeafRows& rows,
                                                       const DeclaredLevels& levels,
                                                       const LeafType& type,
                                                       const PageOptions& options) {
  if (options.compression.plain || options.compression.general) return std::nullopt;
  ARROW_ASSIGN_OR_RAISE(auto values,
                        ChooseDictionary(rows, type, options.compression, options.pool));
  if (!values) return std::nullopt;
  return WriteMiniBlockPage(rows, levels, *std::move(values), options);
}

}  // namespace

Result<EncodedPage> WritePage(const LeafRows& rows, const LevelScheme& scheme, const LeafType& type,
                              const PageOptions& options) {
  const DeclaredLevels levels = DeclareLevels(scheme, rows);
  if (auto page = WriteConstantPage(rows, levels, type, options)) return *std::move(page);
  if (rows.row_wire) {
    LeafType row_type = type;
    row_type.wide_offsets = false;  // no row is nearly as long
    return WriteFullZipPage(rows, rows.values, levels, row_type,
                            MakeRawEncoder(*rows.row_wire).get(), options);
  }
  const bool small = type.dictionary || !FillsBytes(type) || LargestValue(rows, type) < kLargeValue;
  ARROW_ASSIGN_OR_RAISE(auto page, small ? WriteSmallValues(rows, levels, type, options)
                                         : WriteRepeatedValues(rows, levels, type, options));
  if (page) return *std::move(page);
  ARROW_ASSIGN_OR_RAISE(const auto choice, ChoosePerValue(rows, type, options.compression));
  return WriteFullZipPage(rows, choice.encoded ? choice.encoded->values() : rows.values, levels,
                          type, choice.encoder.get(), options);
}

// Nulls are told by descriptors: no size, and a position that says the level.
Result<EncodedPage> WriteBlobPage(const LeafRows& rows, const LevelScheme& scheme,
                                  const LeafType& type, const PageOptions& options) {
  constexpr uint64_t kLevelUnit = uint64_t{1} << 16;
  struct Descriptor {
    uint64_t position;
    uint64_t size;
  };
  const DeclaredLevels levels = DeclareLevels(scheme, rows);
  std::vector<Descriptor> descriptors(rows.slots);
  if (rows.slots > 0)
    std::memcpy(descriptors.data(), rows.values.fixed.data(), rows.slots * sizeof(Descriptor));
  for (size_t i = 0; i < levels.def.size(); ++i) {
    if (levels.def[i] != 0) descriptors[i] = {levels.def[i] * kLevelUnit, 0};
  }
  LeafRows inner{.rows = rows.rows, .entries = rows.slots, .slots = rows.slots};
  inner.values.fixed = std::as_bytes(std::span(descriptors));
  ARROW_ASSIGN_OR_RAISE(
      auto page, WriteMiniBlockPage(inner, DeclareLevels(LevelScheme({Layer::kItem}), inner),
                                    {MakeFlatEncoder(type.shape, inner.values), {}}, options));
  if (!page) return arrow::Status::Invalid("chunks without levels are always small enough");
  EncodedPage blobs = *std::move(page);
  lance::encodings21::PageLayout layout;
  for (auto layer : levels.layers) layout.mutable_blob_layout()->add_layers(layer);
  *layout.mutable_blob_layout()->mutable_inner_layout() = std::move(blobs.layout);
  blobs.layout = std::move(layout);
  return blobs;
}

}  // namespace pilum::encoding
