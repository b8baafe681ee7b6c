// Support of this folder's tests: data files put together by hand, and reading a field of them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/type.h>

#include "encoding/page_layout/test_page.h"
#include "file/field_read.h"
#include "file/file_reader.h"
#include "io/fetch.h"
#include "lance/encodings.pb.h"
#include "lance/encodings21.pb.h"
#include "lance/file.pb.h"
#include "lance/well_known.pb.h"
#include "pilum/storage.h"

namespace pilum::file {

using encoding::Number;

/// Puts a data file together. The parts of the footer can be changed before Finish.
class FileBuilder {
 public:
  explicit FileBuilder(FormatVersion version) {
    footer.major = version == FormatVersion::kV2_0 ? 0 : 2;
    footer.minor = version == FormatVersion::kV2_0 ? 3 : version == FormatVersion::kV2_1 ? 1 : 2;
  }

  template <typename Message>
  void AddPage(size_t column, const Message& encoding, uint64_t rows,
               const std::vector<std::string>& buffers) {
    AddPage(column, TypeUrl(encoding), encoding.SerializeAsString(), rows, buffers);
  }

  void AddPage(size_t column, std::string_view type_url, const std::string& encoding, uint64_t rows,
               const std::vector<std::string>& buffers) {
    auto* page = Column(column).add_pages();
    for (const std::string& buffer : buffers) {
      bytes_ = encoding::PadTo(bytes_, 64);
      page->add_buffer_offsets(bytes_.size());
      page->add_buffer_sizes(buffer.size());
      bytes_ += buffer;
    }
    page->set_length(rows);
    lance::wire::Any any;
    any.set_type_url(std::string(type_url));
    any.set_value(encoding);
    page->mutable_encoding()->mutable_direct()->set_encoding(any.SerializeAsString());
  }

  lance::file::v2::ColumnMetadata& Column(size_t column) {
    if (columns_.size() <= column) columns_.resize(column + 1);
    return columns_[column];
  }

  /// Bytes between the schema and the column metadata, which make the tail of the file longer.
  std::string filler;

  struct Footer {
    uint64_t columns_at = 0, column_table = 0, global_table = 0;
    uint32_t num_globals = 1, num_columns = 0;
    uint16_t major = 2, minor = 2;
    std::string magic = "LANC";

    std::string Encode() const {
      return Number(columns_at) + Number(column_table) + Number(global_table) +
             Number(num_globals) + Number(num_columns) + Number(major) + Number(minor) + magic;
    }
  };
  Footer footer;

  /// The file, and in `footer` what its footer says.
  std::string Finish(uint64_t rows) {
    std::string file = bytes_;
    lance::file::FileDescriptor descriptor;
    descriptor.set_length(rows);
    const std::string schema = descriptor.SerializeAsString();
    const uint64_t schema_at = file.size();
    file += schema + filler;
    footer.columns_at = file.size();
    std::string column_table;
    for (const auto& column : columns_) {
      const std::string metadata = column.SerializeAsString();
      column_table += Number(uint64_t{file.size()}) + Number(uint64_t{metadata.size()});
      file += metadata;
    }
    footer.column_table = file.size();
    file += column_table;
    footer.global_table = file.size();
    footer.num_columns = static_cast<uint32_t>(columns_.size());
    file += Number(schema_at) + Number(uint64_t{schema.size()});
    return file + footer.Encode();
  }

 private:
  static const char* TypeUrl(const lance::encodings21::PageLayout&) {
    return "/lance.encodings21.PageLayout";
  }
  static const char* TypeUrl(const lance::encodings::ArrayEncoding&) {
    return "/lance.encodings.ArrayEncoding";
  }

  std::string bytes_;
  std::vector<lance::file::v2::ColumnMetadata> columns_;
};

inline std::shared_ptr<ReadableObject> ObjectOf(std::string_view bytes,
                                                const std::string& name = "x.lance") {
  auto store = MakeMemoryStore();
  if (!store->Put(name, encoding::AsBytes(bytes)).ok()) return nullptr;
  return *store->Open(name);
}

inline FieldNode LeafNode(std::shared_ptr<arrow::DataType> type, std::shared_ptr<FileReader> file,
                          uint32_t column, std::string name = "f") {
  return {.field = arrow::field(std::move(name), std::move(type)),
          .sources = {{std::move(file), column}}};
}

/// Reads `runs` (all `rows` rows, if none are given) of a field that lies in one file.
inline arrow::Result<std::shared_ptr<arrow::Array>> ReadField(FieldNode root, FormatVersion version,
                                                              uint64_t rows,
                                                              std::vector<Run> runs = {},
                                                              bool in_order = true) {
  FieldTree tree;
  tree.root = std::move(root);
  tree.path = tree.root.field->name();
  if (runs.empty() && rows > 0) runs.push_back({0, static_cast<uint32_t>(rows), 0});
  for (const Run& run : runs) tree.num_rows += run.count;
  tree.in_order = in_order;
  tree.segments = std::make_shared<std::vector<Segment>>(1, Segment{std::move(runs), rows});
  ARROW_ASSIGN_OR_RAISE(auto read,
                        MakeFieldRead(std::move(tree), version, arrow::system_memory_pool()));
  std::vector<std::shared_ptr<io::Fetch>> fetches;  // what the read's views point into
  while (true) {
    fetches.push_back(std::make_shared<io::Fetch>());
    ARROW_ASSIGN_OR_RAISE(bool wants, read->Step(fetches.back()));
    if (!wants) break;
    ARROW_RETURN_NOT_OK(fetches.back()->Run());
  }
  ARROW_ASSIGN_OR_RAISE(auto data, read->Finish());
  return arrow::MakeArray(std::move(data));
}

}  // namespace pilum::file
