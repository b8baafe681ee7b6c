// ColumnReader: the pages of one column of a 2.1 or 2.2 file.
//
// Immutable but for the page indexes, which are fetched when first needed and then kept.
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "encoding/page_layout/page_layout.h"
#include "file/file_reader.h"
#include "runtime/set_once.h"

namespace pilum::file {

/// One page. `index` is empty until some read has fetched it.
struct Page {
  uint64_t first_row = 0;
  uint64_t rows = 0;
  uint64_t stored_bytes = 0;  ///< of its buffers
  std::unique_ptr<encoding::PageLayout> layout;
  runtime::SetOnce<const encoding::PageIndex> index;

  /// Of what is stored, the share of the rows of these runs that are in the page, if all take the
  /// same.
  uint64_t BytesOf(std::span<const encoding::Run> runs) const;
};

class ColumnReader {
 public:
  /// The reader of `column`, kept with the file. `rows` is how many rows (of the column: slots, for
  /// children of fixed-size lists of structs) its pages must have in total.
  static arrow::Result<std::shared_ptr<ColumnReader>> Get(const std::shared_ptr<FileReader>& file,
                                                          uint32_t column, uint64_t rows,
                                                          const encoding::LevelScheme& scheme,
                                                          const encoding::LeafType& type);

  const std::shared_ptr<ReadableObject>& object() const { return object_; }
  uint32_t column() const { return column_; }
  std::vector<std::unique_ptr<Page>>& pages() { return pages_; }
  /// Number of the page that holds `row`.
  size_t PageOf(uint64_t row) const;
  /// Keeps a page's index for later reads, unless another reader has done it, and returns the one
  /// kept. Large ones, of which a value or a dictionary is part, are not: files keep all of theirs.
  std::shared_ptr<const encoding::PageIndex> KeepIndex(
      Page* page, const std::shared_ptr<const encoding::PageIndex>& index);

 private:
  ColumnReader() = default;

  std::shared_ptr<ReadableObject> object_;
  std::shared_ptr<std::atomic<size_t>> memory_bytes_;  // of the file's metadata
  uint32_t column_ = 0;
  uint64_t rows_ = 0;
  encoding::LevelScheme scheme_;
  encoding::LeafType type_;
  std::vector<std::unique_ptr<Page>> pages_;
  std::vector<uint64_t> first_rows_;
};

/// The buffers of a page, checked to lie inside the file.
arrow::Result<std::vector<ByteRange>> PageBuffers(const lance::file::v2::ColumnMetadata::Page& page,
                                                  uint64_t file_size);

}  // namespace pilum::file
