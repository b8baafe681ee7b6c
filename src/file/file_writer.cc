#include "file/file_writer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <arrow/util/byte_size.h>

#include "bytes/byte_writer.h"
#include "file/page_queue.h"
#include "lance/file.pb.h"
#include "lance/file_v2.pb.h"
#include "lance/well_known.pb.h"
#include "pilum/error.h"

namespace pilum::file {
namespace {

using arrow::ArrayData;
using arrow::Result;
using arrow::Status;
using bytes::ByteWriter;

constexpr uint64_t kAlignment = 64;
constexpr std::byte kGap{0x48};
const std::string kValueColumn("\x0a\x00", 2);                 // values {}
const std::string kBlobColumn("\x1a\x04\x0a\x02\x0a\x00", 6);  // blob { inner { values {} } }
constexpr uint64_t kMostRowsPerPage = 1 << 20;  // levels and offsets are held per row

std::string Wrapped(const std::string& type_url, const std::string& message) {
  lance::wire::Any any;
  any.set_type_url(type_url);
  any.set_value(message);
  return any.SerializeAsString();
}

/// How the footer calls a version.
std::pair<uint16_t, uint16_t> FooterVersion(FormatVersion version) {
  switch (version) {
    case FormatVersion::kV2_0:
      return {0, 3};
    case FormatVersion::kV2_1:
      return {2, 1};
    case FormatVersion::kV2_2:
      break;
  }
  return {2, 2};
}

uint64_t BytesOf(const arrow::Array& array) {
  auto bytes = arrow::util::ReferencedBufferSize(array);
  return static_cast<uint64_t>(bytes.ok() ? *bytes : arrow::util::TotalBufferSize(array));
}

}  // namespace

FileWriter::FileWriter(FileOutput out, lance::file::Schema schema, const FileWriterOptions& options)
    : out_(std::move(out.file)),
      schema_(std::move(schema)),
      options_(options),
      blobs_(out_.get(), std::move(out.make_sidecar), options.pool),
      queue_(options.pool) {}

Result<std::unique_ptr<FileWriter>> FileWriter::Make(FileOutput out, std::vector<FieldNode> fields,
                                                     lance::file::Schema schema,
                                                     FileWriterOptions options) {
  std::unique_ptr<FileWriter> writer(new FileWriter(std::move(out), std::move(schema), options));
  ARROW_RETURN_NOT_OK(writer->AddFields(std::move(fields)));
  return writer;
}

Status FileWriter::AddFields(std::vector<FieldNode> fields) {
  fields_.resize(fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    PendingField& field = fields_[i];
    field.node = std::move(fields[i]);
    auto encoders = MakeColumnEncoders(field.node, options_.version);
    if (!encoders.ok()) return WithContext(encoders.status(), {.column = field.node.field->name()});
    field.encoders = *std::move(encoders);
    field.first_column = static_cast<uint32_t>(columns_.size());
    for (const auto& encoder : field.encoders) {
      const bool blobs = encoder->holds_blobs() && options_.version == FormatVersion::kV2_0;
      columns_.emplace_back().mutable_encoding()->mutable_direct()->set_encoding(
          Wrapped("/lance.encodings.ColumnEncoding", blobs ? kBlobColumn : kValueColumn));
    }
  }
  return Status::OK();
}

Status FileWriter::Write(const arrow::RecordBatch& batch) {
  if (batch.num_columns() != static_cast<int>(fields_.size()))
    return Status::Invalid("a batch of ", batch.num_columns(), " columns for a file of ",
                           fields_.size());
  for (size_t i = 0; i < fields_.size(); ++i) {
    const auto column = batch.column(static_cast<int>(i));
    if (!column->type()->Equals(*fields_[i].node.field->type()))
      return Status::TypeError("column '", fields_[i].node.field->name(), "' of type ",
                               column->type()->ToString(), " in a file of type ",
                               fields_[i].node.field->type()->ToString());
    if (column->length() == 0) continue;
    auto stored = blobs_.Store(fields_[i].node, column);
    if (!stored.ok())
      return WithContext(stored.status(), {.column = fields_[i].node.field->name()});
    ARROW_RETURN_NOT_OK(Add(&fields_[i], *stored));
  }
  num_rows_ += static_cast<uint64_t>(batch.num_rows());
  return Status::OK();
}

Result<uint64_t> FileWriter::Finish() {
  for (PendingField& field : fields_) ARROW_RETURN_NOT_OK(EndPage(&field));
  while (!queue_.empty()) ARROW_RETURN_NOT_OK(AppendNextPage());
  ARROW_RETURN_NOT_OK(blobs_.Finish());
  ARROW_RETURN_NOT_OK(AppendTail());
  ARROW_RETURN_NOT_OK(out_->Finish());
  return out_->size();
}

// Rows in pieces that are no larger than a page should be.
Status FileWriter::Add(PendingField* field, const std::shared_ptr<arrow::Array>& rows) {
  const uint64_t page_bytes = options_.page_bytes * field->encoders.size();
  const uint64_t size = BytesOf(*rows);
  const auto n = static_cast<uint64_t>(rows->length());
  if (n > 1 && (size > page_bytes || n > kMostRowsPerPage)) {
    const int64_t half = rows->length() / 2;
    ARROW_RETURN_NOT_OK(Add(field, rows->Slice(0, half)));
    return Add(field, rows->Slice(half));
  }
  if (field->num_rows > 0 &&
      (field->bytes + size > page_bytes || field->num_rows + n > kMostRowsPerPage))
    ARROW_RETURN_NOT_OK(EndPage(field));
  field->rows.push_back(rows);
  field->bytes += size;
  field->num_rows += n;
  return Status::OK();
}

Status FileWriter::EndPage(PendingField* field) {
  if (field->rows.empty()) return Status::OK();
  for (size_t i = 0; i < field->encoders.size(); ++i) {
    while (queue_.full()) ARROW_RETURN_NOT_OK(AppendNextPage());
    queue_.Put({.rows = field->rows,
                .encoder = field->encoders[i].get(),
                .column = field->first_column + static_cast<uint32_t>(i),
                .first_row = field->first_row,
                .bytes = field->bytes,
                .field = field->node.field->name()});
  }
  field->first_row += field->num_rows;
  field->rows.clear();
  field->bytes = field->num_rows = 0;
  return Status::OK();
}

Status FileWriter::AppendNextPage() {
  auto job = queue_.Take();
  if (!job.ok()) return job.status();
  auto* page = columns_[job->column].add_pages();
  for (const auto& buffer : job->page.buffers) {
    ARROW_RETURN_NOT_OK(Align());
    page->add_buffer_offsets(out_->size());
    page->add_buffer_sizes(static_cast<uint64_t>(buffer->size()));
    ARROW_RETURN_NOT_OK(out_->Append(
        std::as_bytes(std::span(buffer->data(), static_cast<size_t>(buffer->size())))));
  }
  page->set_length(job->page.length);
  page->set_priority(job->first_row);
  page->mutable_encoding()->mutable_direct()->set_encoding(
      Wrapped(job->page.type_url, job->page.encoding));
  return Status::OK();
}

Status FileWriter::Align() {
  std::byte gap[kAlignment];
  std::fill(std::begin(gap), std::end(gap), kGap);
  return out_->Append(std::span(gap).first((kAlignment - out_->size() % kAlignment) % kAlignment));
}

// Everything behind the pages.
Status FileWriter::AppendTail() {
  ARROW_RETURN_NOT_OK(Align());
  ByteWriter tail(options_.pool);
  const uint64_t start = out_->size();
  const auto position = [&] { return start + tail.size(); };
  const std::string descriptor = Descriptor();
  tail.Append(std::as_bytes(std::span(descriptor)));
  const uint64_t columns_at = position();
  std::vector<std::pair<uint64_t, uint64_t>> places;
  for (const auto& column : columns_) {
    const std::string message = column.SerializeAsString();
    places.emplace_back(position(), message.size());
    tail.Append(std::as_bytes(std::span(message)));
  }
  const uint64_t column_table = position();
  for (auto [offset, size] : places) {
    tail.Put(offset);
    tail.Put(size);
  }
  const uint64_t global_table = position();
  tail.Put(start);
  tail.Put(uint64_t{descriptor.size()});
  tail.Put(columns_at);
  tail.Put(column_table);
  tail.Put(global_table);
  tail.Put(uint32_t{1});
  tail.Put(num_columns());
  const auto [major, minor] = FooterVersion(options_.version);
  tail.Put(major);
  tail.Put(minor);
  tail.Append(std::as_bytes(std::span("LANC", 4)));
  return out_->Append(tail.view());
}

std::string FileWriter::Descriptor() const {
  lance::file::FileDescriptor descriptor;
  *descriptor.mutable_schema() = schema_;
  descriptor.set_length(num_rows_);
  return descriptor.SerializeAsString();
}

}  // namespace pilum::file
