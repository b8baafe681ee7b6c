#include "file/v2_0_column.h"

#include <string>
#include <utility>

#include "file/column_reader.h"
#include "lance/parse_message.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;
using encoding::v2_0::LeafPage;
using encoding::v2_0::WireArray;

constexpr uint64_t kMaxSlots = uint64_t{1} << 48;
constexpr uint64_t kMaxBits = uint64_t{1} << 62;  // so that positions in a page can be computed

Status ParseLists(const WireArray& wire, std::span<const ByteRange> buffers,
                  V2_0Column::Page* page) {
  if (!wire.has_list()) return bytes::Corrupt("a list column with another encoding");
  ARROW_ASSIGN_OR_RAISE(auto ends, encoding::v2_0::ParseFlat(wire.list().offsets(), buffers));
  if (ends.values.bits != 64 || ends.validity)
    return bytes::Corrupt("list ends that are not 64-bit numbers");
  page->ends = ends.values;
  page->null_adjustment = wire.list().null_offset_adjustment();
  page->num_items = wire.list().num_items();
  return Status::OK();
}

Status ParseEncoding(const WireArray& wire, std::span<const ByteRange> buffers,
                     const V2_0Column& column, V2_0Column::Page* page) {
  switch (column.kind) {
    case NodeKind::kStruct:
      return wire.has_struct_() ? Status::OK()
                                : bytes::Corrupt("a struct column with another encoding");
    case NodeKind::kList:
      return ParseLists(wire, buffers, page);
    default: {
      ARROW_ASSIGN_OR_RAISE(page->leaf, LeafPage::Make(wire, buffers, column.type));
      return Status::OK();
    }
  }
}

// The page behind those the column already has.
Result<V2_0Column::Page> MakePage(const lance::file::v2::ColumnMetadata::Page& wire,
                                  const V2_0Column& column) {
  V2_0Column::Page page{.first_slot = column.slots, .slots = wire.length()};
  if (!column.pages.empty())
    page.first_item = column.pages.back().first_item + column.pages.back().num_items;
  ARROW_ASSIGN_OR_RAISE(auto buffers, PageBuffers(wire, column.object->size()));
  ARROW_ASSIGN_OR_RAISE(std::string bytes,
                        UnwrapEncoding(wire.encoding(), "/lance.encodings.ArrayEncoding"));
  ARROW_ASSIGN_OR_RAISE(const auto array, lance::ParseMessage<WireArray>(bytes, "page's encoding"));
  ARROW_RETURN_NOT_OK(ParseEncoding(array, buffers, column, &page));
  const uint64_t bits = column.type.shape.bits;
  if (page.slots > kMaxSlots - column.slots || page.num_items > kMaxSlots - page.first_item ||
      (bits > 0 && page.slots > kMaxBits / bits)) {
    return bytes::Corrupt("a page of " + std::to_string(page.slots) + " slots");
  }
  return page;
}

Result<std::shared_ptr<V2_0Column>> Load(const FileReader& file, uint32_t number, NodeKind kind,
                                         const encoding::LeafType& type) {
  auto column = std::make_shared<V2_0Column>();
  column->object = file.object();
  column->number = number;
  column->kind = kind;
  column->type = type;
  ARROW_ASSIGN_OR_RAISE(auto metadata, file.ReadColumnMetadata(number));
  for (const auto& wire : metadata.pages()) {
    auto page = MakePage(wire, *column);
    if (!page.ok()) {
      return page.status().WithMessage("page ", column->pages.size(), ": ",
                                       page.status().message());
    }
    column->slots += page->slots;
    column->pages.push_back(*std::move(page));
  }
  return column;
}

}  // namespace

Result<std::shared_ptr<V2_0Column>> V2_0Column::Get(const std::shared_ptr<FileReader>& file,
                                                    uint32_t number, NodeKind kind,
                                                    const encoding::LeafType& type) {
  if (number >= file->num_columns()) return file->ReadColumnMetadata(number).status();
  auto column = file->Cached<V2_0Column>(number, [&] { return Load(*file, number, kind, type); });
  const ErrorWhere where{.path = file->object()->name()};
  if (!column.ok()) return WithContext(column.status(), where);
  if ((*column)->kind == kind && (*column)->type == type) return column;
  return WithContext(bytes::Corrupt("column " + std::to_string(number) +
                                    " is said to hold fields of different types"),
                     where);
}

}  // namespace pilum::file
