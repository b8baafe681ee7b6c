#include "file/page_summary.h"

#include "encoding/codec.h"
#include "file/column_reader.h"
#include "lance/encodings.pb.h"
#include "lance/encodings21.pb.h"
#include "lance/parse_message.h"

namespace pilum::file {
namespace {

using arrow::Result;

std::string Describe(const lance::encodings21::PageLayout& layout) {
  using Layout = lance::encodings21::PageLayout;
  switch (layout.layout_case()) {
    case Layout::kMiniBlockLayout: {
      const auto& mini = layout.mini_block_layout();
      std::string text = "mini-block " + encoding::DescribeEncoding(mini.value_compression());
      if (mini.has_dictionary())
        text += ", dictionary " + encoding::DescribeEncoding(mini.dictionary());
      return text;
    }
    case Layout::kFullZipLayout:
      return "full-zip " + encoding::DescribeEncoding(layout.full_zip_layout().value_compression());
    case Layout::kConstantLayout:
      return layout.constant_layout().has_inline_value() ? "constant" : "constant or all null";
    case Layout::kBlobLayout:
      return "blob descriptors";
    default:
      return "unknown layout";
  }
}

std::string Describe(const lance::encodings::ArrayEncoding& array, int depth) {
  using Array = lance::encodings::ArrayEncoding;
  if (depth > 16) return "…";
  switch (array.array_encoding_case()) {
    case Array::kFlat: {
      std::string text = "flat" + std::to_string(array.flat().bits_per_value());
      const std::string& scheme = array.flat().compression().scheme();
      return scheme.empty() || scheme == "none" ? text : scheme + "(" + text + ")";
    }
    case Array::kNullable:
      if (array.nullable().has_no_nulls())
        return Describe(array.nullable().no_nulls().values(), depth + 1);
      if (array.nullable().has_some_nulls()) {
        return "nullable " + Describe(array.nullable().some_nulls().values(), depth + 1);
      }
      return "all null";
    case Array::kFixedSizeList:
      return "fixed_size_list(" + Describe(array.fixed_size_list().items(), depth + 1) + ", " +
             std::to_string(array.fixed_size_list().dimension()) + ")";
    case Array::kList:
      return "list offsets";
    case Array::kStruct:
      return "struct";
    case Array::kBinary:
      return "binary " + Describe(array.binary().bytes(), depth + 1);
    case Array::kDictionary:
      return "dictionary " + Describe(array.dictionary().items(), depth + 1);
    case Array::kFsst:
      return "fsst";
    case Array::kPackedStruct:
      return "packed struct";
    default:
      return "encoding " + std::to_string(array.array_encoding_case());
  }
}

}  // namespace

Result<std::vector<PageSummary>> SummarizePages(const FileReader& file, uint32_t column) {
  ARROW_ASSIGN_OR_RAISE(auto metadata, file.ReadColumnMetadata(column));
  std::vector<PageSummary> summaries;
  for (const auto& page : metadata.pages()) {
    PageSummary summary;
    ARROW_ASSIGN_OR_RAISE(auto buffers, PageBuffers(page, file.object()->size()));
    for (const ByteRange& buffer : buffers) summary.stored_bytes += buffer.length;
    summary.rows = page.length();
    const bool old = file.version() == FormatVersion::kV2_0;
    ARROW_ASSIGN_OR_RAISE(std::string bytes,
                          UnwrapEncoding(page.encoding(), old ? "/lance.encodings.ArrayEncoding"
                                                              : "/lance.encodings21.PageLayout"));
    if (old) {
      ARROW_ASSIGN_OR_RAISE(const auto array, lance::ParseMessage<lance::encodings::ArrayEncoding>(
                                                  bytes, "page's encoding"));
      summary.description = Describe(array, 0);
    } else {
      ARROW_ASSIGN_OR_RAISE(const auto layout, lance::ParseMessage<lance::encodings21::PageLayout>(
                                                   bytes, "page's layout"));
      summary.description = Describe(layout);
    }
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace pilum::file
