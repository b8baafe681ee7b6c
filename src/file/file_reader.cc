#include "file/file_reader.h"

#include <algorithm>
#include <utility>

#include "lance/file.pb.h"
#include "lance/parse_message.h"
#include "lance/well_known.pb.h"
#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum::file {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kFooterSize = 40;
constexpr uint64_t kFirstRead = 64 << 10;
constexpr uint64_t kMaxMetadata = 1 << 30;
constexpr uint32_t kMaxColumns = 1 << 20;
constexpr uint64_t kMaxRows = UINT32_MAX;  // row offsets in a fragment are 32 bits

Result<std::shared_ptr<arrow::Buffer>> ReadTail(const ReadableObject& object, uint64_t offset) {
  const uint64_t size = object.size() - offset;
  ARROW_ASSIGN_OR_RAISE(auto buffer,
                        arrow::AllocateBuffer(static_cast<int64_t>(size), GetMemoryPool()));
  ARROW_RETURN_NOT_OK(object.ReadAt(
      offset, {reinterpret_cast<std::byte*>(buffer->mutable_data()), static_cast<size_t>(size)}));
  return std::shared_ptr<arrow::Buffer>(std::move(buffer));
}

Bytes AsBytes(const arrow::Buffer& buffer) {
  return {reinterpret_cast<const std::byte*>(buffer.data()), static_cast<size_t>(buffer.size())};
}

Result<FormatVersion> VersionOf(uint16_t major, uint16_t minor) {
  if (major == 0 && minor == 3) return FormatVersion::kV2_0;
  if (major == 2 && minor == 0) return FormatVersion::kV2_0;
  if (major == 2 && minor == 1) return FormatVersion::kV2_1;
  if (major == 2 && minor == 2) return FormatVersion::kV2_2;
  std::string name = std::to_string(major) + "." + std::to_string(minor);
  if (major == 0 && minor <= 2) {
    return MakeError(ErrorKind::kUnsupported,
                     "legacy (0.1) Lance files are not supported; rewrite the table with storage "
                     "version 2.0 or newer");
  }
  if (major == 2 && minor == 3) {
    return MakeError(ErrorKind::kUnsupported,
                     "storage version 2.3 is unstable and not supported; rewrite the table "
                     "with storage version 2.2");
  }
  return MakeError(ErrorKind::kUnsupported, "storage version " + name + " is not supported");
}

}  // namespace

Status FileReader::Error(const Status& status) const {
  return WithContext(status, {.path = object_->name()});
}

Result<Bytes> FileReader::TailBytes(ByteRange range, std::string_view what) const {
  const uint64_t size = object_->size();
  if (range.offset < tail_offset_ || range.offset > size || range.length > size - range.offset) {
    return bytes::Corrupt(std::string(what) + " at " + std::to_string(range.offset) + " of " +
                          std::to_string(range.length) +
                          " bytes lies outside the metadata of the file");
  }
  return AsBytes(*tail_).subspan(range.offset - tail_offset_, range.length);
}

Result<std::shared_ptr<FileReader>> FileReader::Open(std::shared_ptr<ReadableObject> object) {
  const uint64_t size = object->size();
  const ErrorWhere where{.path = object->name()};
  if (size < kFooterSize) {
    return WithContext(bytes::Corrupt("a data file of " + std::to_string(size) +
                                      " bytes is shorter than its footer; it is truncated"),
                       where);
  }
  uint64_t tail_offset = size - std::min(size, kFirstRead);
  ARROW_ASSIGN_OR_RAISE(auto tail, ReadTail(*object, tail_offset));
  const std::byte* footer =
      reinterpret_cast<const std::byte*>(tail->data()) + tail->size() - kFooterSize;
  const uint64_t metadata_start = bytes::Load<uint64_t>(footer);
  // Everything needed lies between the schema, which precedes the column metadata, and the end.
  if (metadata_start < tail_offset) {
    if (size - metadata_start > kMaxMetadata) {
      return WithContext(
          bytes::Corrupt("column metadata of " + std::to_string(size - metadata_start) + " bytes"),
          where);
    }
    tail_offset = metadata_start;
    ARROW_ASSIGN_OR_RAISE(tail, ReadTail(*object, tail_offset));
  }
  std::shared_ptr<FileReader> reader(
      new FileReader(std::move(object), std::move(tail), tail_offset));
  uint64_t global_table = 0;
  uint32_t num_globals = 0;
  Status status = reader->ParseFooter(&global_table, &num_globals);
  if (status.ok()) status = reader->ParseDescriptor(global_table, num_globals);
  if (!status.ok()) return reader->Error(status);
  return reader;
}

Status FileReader::ParseFooter(uint64_t* global_table, uint32_t* num_globals) {
  const uint64_t footer_at = object_->size() - kFooterSize;
  ARROW_ASSIGN_OR_RAISE(Bytes footer, TailBytes({footer_at, kFooterSize}, "footer"));
  bytes::ByteReader reader(footer);
  ARROW_ASSIGN_OR_RAISE(uint64_t columns_at, reader.Read<uint64_t>("start of column metadata"));
  ARROW_ASSIGN_OR_RAISE(uint64_t column_table, reader.Read<uint64_t>("column table"));
  ARROW_ASSIGN_OR_RAISE(*global_table, reader.Read<uint64_t>("global buffer table"));
  ARROW_ASSIGN_OR_RAISE(*num_globals, reader.Read<uint32_t>("number of global buffers"));
  ARROW_ASSIGN_OR_RAISE(uint32_t num_columns, reader.Read<uint32_t>("number of columns"));
  ARROW_ASSIGN_OR_RAISE(uint16_t major, reader.Read<uint16_t>("major version"));
  ARROW_ASSIGN_OR_RAISE(uint16_t minor, reader.Read<uint16_t>("minor version"));
  ARROW_ASSIGN_OR_RAISE(Bytes magic, reader.Take(4, "magic"));
  if (std::string_view(reinterpret_cast<const char*>(magic.data()), 4) != "LANC") {
    return bytes::Corrupt(
        "this is not a Lance data file, or it is truncated: it does not end with LANC");
  }
  ARROW_ASSIGN_OR_RAISE(version_, VersionOf(major, minor));
  if (columns_at > column_table || column_table > *global_table || *global_table > footer_at ||
      num_columns > kMaxColumns || *num_globals == 0) {
    return bytes::Corrupt("the footer's positions are out of order");
  }
  ARROW_ASSIGN_OR_RAISE(Bytes table,
                        TailBytes({column_table, uint64_t{num_columns} * 16}, "column table"));
  for (uint32_t i = 0; i < num_columns; ++i) {
    const ByteRange range{bytes::Load<uint64_t>(table.data() + i * 16),
                          bytes::Load<uint64_t>(table.data() + i * 16 + 8)};
    ARROW_RETURN_NOT_OK(TailBytes(range, "metadata of column " + std::to_string(i)));
    columns_.push_back(range);
  }
  derived_ = std::vector<runtime::SetOnce<void>>(num_columns);
  return Status::OK();
}

Status FileReader::ParseDescriptor(uint64_t global_table, uint32_t num_globals) {
  ARROW_ASSIGN_OR_RAISE(
      Bytes table, TailBytes({global_table, uint64_t{num_globals} * 16}, "global buffer table"));
  const ByteRange range{bytes::Load<uint64_t>(table.data()),
                        bytes::Load<uint64_t>(table.data() + 8)};
  if (range.offset > object_->size() || range.length > object_->size() - range.offset ||
      range.length > INT32_MAX) {
    return bytes::Corrupt("the file's schema lies outside the file");
  }
  std::shared_ptr<arrow::Buffer> owned;
  Bytes bytes;
  if (range.offset >= tail_offset_) {
    ARROW_ASSIGN_OR_RAISE(bytes, TailBytes(range, "schema"));
  } else {
    ARROW_ASSIGN_OR_RAISE(
        owned, arrow::AllocateBuffer(static_cast<int64_t>(range.length), GetMemoryPool()));
    ARROW_RETURN_NOT_OK(object_->ReadAt(
        range.offset,
        {reinterpret_cast<std::byte*>(owned->mutable_data()), static_cast<size_t>(range.length)}));
    bytes = AsBytes(*owned);
  }
  const auto descriptor = lance::ParseMessage<lance::file::FileDescriptor>(bytes, "file's schema");
  if (!descriptor.ok()) return WithContext(descriptor.status(), {.offset = range.offset});
  if (descriptor->length() > kMaxRows) {
    return bytes::Corrupt("a data file of " + std::to_string(descriptor->length()) + " rows");
  }
  num_rows_ = descriptor->length();
  return Status::OK();
}

Result<lance::file::v2::ColumnMetadata> FileReader::ReadColumnMetadata(uint32_t column) const {
  if (column >= columns_.size()) {
    return Error(bytes::Corrupt("the manifest refers to column " + std::to_string(column) +
                                " of a file that has " + std::to_string(columns_.size())));
  }
  ARROW_ASSIGN_OR_RAISE(Bytes bytes, TailBytes(columns_[column], "column metadata"));
  auto metadata = lance::ParseMessage<lance::file::v2::ColumnMetadata>(
      bytes, "metadata of column " + std::to_string(column));
  if (metadata.ok()) return metadata;
  return WithContext(metadata.status(),
                     {.path = object_->name(), .offset = columns_[column].offset});
}

Result<std::string> UnwrapEncoding(const lance::file::v2::Encoding& encoding,
                                   std::string_view type_url) {
  if (!encoding.has_direct()) {
    return MakeError(ErrorKind::kUnsupported,
                     "a page encoding that is not stored in the column metadata");
  }
  ARROW_ASSIGN_OR_RAISE(const auto any, lance::ParseMessage<lance::wire::Any>(
                                            encoding.direct().encoding(), "page's encoding"));
  if (any.type_url() != type_url) {
    return bytes::Corrupt("a page encoding of type '" + any.type_url() + "' where '" +
                          std::string(type_url) + "' was expected");
  }
  return any.value();
}

}  // namespace pilum::file
