#include "encoding/page_layout/page_writer.h"

#include <algorithm>
#include <utility>

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

}  // namespace

Result<EncodedPage> WritePage(const LeafRows& rows, const LevelScheme& scheme, const LeafType& type,
                              const PageOptions& options) {
  const DeclaredLevels levels = DeclareLevels(scheme, rows);
  if (auto page = WriteConstantPage(rows, levels, type, options)) return *std::move(page);
  if (type.dictionary || !FillsBytes(type) || LargestValue(rows, type) < kLargeValue) {
    ARROW_ASSIGN_OR_RAISE(auto values,
                          ChooseMiniBlock(rows, type, options.compression, options.pool));
    ARROW_ASSIGN_OR_RAISE(auto page, WriteMiniBlockPage(rows, levels, std::move(values), options));
    if (page) return *std::move(page);
    if (type.dictionary || (!FillsBytes(type) && type.shape.bits != 1)) {
      return MakeError(ErrorKind::kUnsupported,
                       "a run of more than 32767 empty or null lists between two values");
    }
  }
  std::unique_ptr<PerValueEncoder> encoder = MakeRawEncoder(type.wide_offsets);
  if (options.compression.general) {
    ARROW_ASSIGN_OR_RAISE(
        encoder, MakeGeneralEncoder(*options.compression.general, options.compression.level,
                                    std::move(encoder)));
  }
  return WriteFullZipPage(rows, levels, type, encoder.get(), options);
}

}  // namespace pilum::encoding
