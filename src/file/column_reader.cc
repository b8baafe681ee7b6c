#include "file/column_reader.h"

#include <algorithm>
#include <string>
#include <utility>

#include "lance/encodings21.pb.h"
#include "lance/parse_message.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;

constexpr size_t kMostKept = 4 << 20;  // bytes of an index

Result<std::unique_ptr<Page>> MakePage(const lance::file::v2::ColumnMetadata::Page& wire,
                                       uint64_t file_size, const encoding::LevelScheme& scheme,
                                       const encoding::LeafType& type) {
  auto page = std::make_unique<Page>();
  encoding::PageLocation location;
  ARROW_ASSIGN_OR_RAISE(location.buffers, PageBuffers(wire, file_size));
  for (const ByteRange& buffer : location.buffers) page->stored_bytes += buffer.length;
  location.rows = page->rows = wire.length();
  ARROW_ASSIGN_OR_RAISE(std::string bytes,
                        UnwrapEncoding(wire.encoding(), "/lance.encodings21.PageLayout"));
  ARROW_ASSIGN_OR_RAISE(const auto layout, lance::ParseMessage<lance::encodings21::PageLayout>(
                                               bytes, "page's layout"));
  ARROW_ASSIGN_OR_RAISE(page->layout, encoding::MakePageLayout(layout, location, scheme, type));
  return page;
}

}  // namespace

uint64_t Page::BytesOf(std::span<const encoding::Run> runs) const {
  uint64_t wanted = 0;
  for (const encoding::Run& run : runs) wanted += run.Within(first_row, first_row + rows).count;
  const double share = static_cast<double>(wanted) / static_cast<double>(rows);
  return static_cast<uint64_t>(share * static_cast<double>(stored_bytes));
}

Result<std::vector<ByteRange>> PageBuffers(const lance::file::v2::ColumnMetadata::Page& page,
                                           uint64_t file_size) {
  if (page.buffer_offsets_size() != page.buffer_sizes_size()) {
    return bytes::Corrupt("a page with " + std::to_string(page.buffer_offsets_size()) +
                          " buffer offsets and " + std::to_string(page.buffer_sizes_size()) +
                          " sizes");
  }
  std::vector<ByteRange> buffers;
  for (int i = 0; i < page.buffer_offsets_size(); ++i) {
    const ByteRange range{page.buffer_offsets(i), page.buffer_sizes(i)};
    if (range.offset > file_size || range.length > file_size - range.offset) {
      return bytes::Corrupt("page buffer " + std::to_string(i) + " at " +
                            std::to_string(range.offset) + " of " + std::to_string(range.length) +
                            " bytes lies outside the file of " + std::to_string(file_size));
    }
    buffers.push_back(range);
  }
  return buffers;
}

Result<std::shared_ptr<ColumnReader>> ColumnReader::Get(const std::shared_ptr<FileReader>& file,
                                                        uint32_t column, uint64_t rows,
                                                        const encoding::LevelScheme& scheme,
                                                        const encoding::LeafType& type) {
  const ErrorWhere where{.path = file->object()->name()};
  if (column >= file->num_columns()) return file->ReadColumnMetadata(column).status();
  auto cached = file->Cached<ColumnReader>(column, [&]() -> Result<std::shared_ptr<ColumnReader>> {
    std::shared_ptr<ColumnReader> reader(new ColumnReader());
    reader->object_ = file->object();
    reader->memory_bytes_ = file->derived_bytes();
    reader->column_ = column;
    reader->rows_ = rows;
    reader->scheme_ = scheme;
    reader->type_ = type;
    ARROW_ASSIGN_OR_RAISE(auto metadata, file->ReadColumnMetadata(column));
    uint64_t first_row = 0;
    for (const auto& wire : metadata.pages()) {
      auto page = MakePage(wire, file->object()->size(), scheme, type);
      if (!page.ok()) {
        return WithContext(page.status().WithMessage("page ", reader->pages_.size(), ": ",
                                                     page.status().message()),
                           where);
      }
      (*page)->first_row = first_row;
      if ((*page)->rows > rows - first_row) {
        return WithContext(bytes::Corrupt("the column's pages hold more than its " +
                                          std::to_string(rows) + " rows"),
                           where);
      }
      first_row += (*page)->rows;
      reader->first_rows_.push_back((*page)->first_row);
      reader->pages_.push_back(std::move(*page));
    }
    if (first_row != rows) {
      return WithContext(bytes::Corrupt("the column's pages hold " + std::to_string(first_row) +
                                        " of " + std::to_string(rows) + " rows"),
                         where);
    }
    return reader;
  });
  if (cached.ok() &&
      ((*cached)->rows_ != rows || (*cached)->scheme_ != scheme || (*cached)->type_ != type)) {
    return WithContext(bytes::Corrupt("column " + std::to_string(column) +
                                      " is said to hold fields of different types"),
                       where);
  }
  return cached;
}

std::shared_ptr<const encoding::PageIndex> ColumnReader::KeepIndex(
    Page* page, const std::shared_ptr<const encoding::PageIndex>& index) {
  if (index->memory_bytes() > kMostKept) return index;
  auto kept = page->index.set(index);
  if (kept == index) *memory_bytes_ += index->memory_bytes();
  return kept;
}

size_t ColumnReader::PageOf(uint64_t row) const {
  auto it = std::upper_bound(first_rows_.begin(), first_rows_.end(), row);
  return static_cast<size_t>(it - first_rows_.begin()) - 1;
}

}  // namespace pilum::file
