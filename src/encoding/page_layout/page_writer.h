// Writing pages of the 2.1 and 2.2 formats: the rows of a leaf column become a descriptor and
// buffers.
//
//   LeafRows ─► constant page    every valid value is the same, or none is valid
//            ─► full-zip page    large values, side by side with their levels
//            ─► mini-block page  everything else, in chunks of a few KiB
//
// What a page is compressed with is decided by choose/.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>

#include "encoding/choose/choose.h"
#include "encoding/encoder.h"
#include "encoding/leaf_builder.h"
#include "encoding/leaf_rows.h"
#include "encoding/page_levels.h"

namespace pilum::encoding {

struct EncodedPage {
  lance::encodings21::PageLayout layout;
  std::vector<std::shared_ptr<arrow::Buffer>> buffers;
  uint64_t rows = 0;
};

/// What the storage version and the field ask for.
struct PageOptions {
  bool large_chunks = true;  ///< storage version 2.2; 2.1 has narrower chunk words and no constants
  CompressionRequest compression;
  arrow::MemoryPool* pool = arrow::default_memory_pool();
};

/// The page for `rows`, at least one, of a column of this type.
arrow::Result<EncodedPage> WritePage(const LeafRows& rows, const LevelScheme& scheme,
                                     const LeafType& type, const PageOptions& options);

// The layouts, for WritePage.

/// Nothing if not all values are the same, or the version cannot say so.
std::optional<EncodedPage> WriteConstantPage(const LeafRows& rows, const DeclaredLevels& levels,
                                             const LeafType& type, const PageOptions& options);

/// Nothing if some chunk would be larger than the version allows.
arrow::Result<std::optional<EncodedPage>> WriteMiniBlockPage(const LeafRows& rows,
                                                             const DeclaredLevels& levels,
                                                             MiniBlockChoice values,
                                                             const PageOptions& options);

/// Descriptors of blobs of version 1: rows of position and size, without lists around them.
arrow::Result<EncodedPage> WriteBlobPage(const LeafRows& rows, const LevelScheme& scheme,
                                         const LeafType& type, const PageOptions& options);

/// `values` are those of the rows, or what stands for them.
arrow::Result<EncodedPage> WriteFullZipPage(const LeafRows& rows, const Values& values,
                                            const DeclaredLevels& levels, const LeafType& type,
                                            const PerValueEncoder* encoder,
                                            const PageOptions& options);

}  // namespace pilum::encoding
