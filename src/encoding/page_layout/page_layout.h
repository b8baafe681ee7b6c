// Page layouts of the 2.1 and 2.2 formats: which bytes a row needs, and how they become values.
//
//   IndexRanges ─► fetch ─► ParseIndex ─► PageIndex      once per page, then cached
//   Plan(rows)  ─► byte ranges ─► fetch ─► Decode ─► LeafBuilder
//
// A layout does no I/O: it names byte ranges and is given their bytes. Layouts and indexes are safe to
// use from many threads, and immutable, but for chunks that an index comes to keep decoded.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <arrow/result.h>
#include <arrow/status.h>

#include "bytes/byte_range.h"
#include "encoding/codec.h"
#include "encoding/leaf_builder.h"
#include "encoding/levels.h"

namespace pilum::encoding {

using bytes::ByteRange;

/// What a page needs to know to find rows: chunk sizes, row offsets, its dictionary.
class PageIndex {
 public:
  virtual ~PageIndex() = default;
  virtual size_t memory_bytes() const = 0;
};

/// One read of a plan.
struct PlannedRead {
  ByteRange range;
  uint32_t first_run = 0;  ///< the runs it serves
  uint32_t num_runs = 0;
  uint32_t first_chunk =
      0;  ///< the chunks in it, for layouts that have chunks; none: bare values of one run
  uint32_t num_chunks = 0;
  /// Not 0: behind so many bytes comes the value of one slot, as ValueLengths says, and nothing
  /// else. It may be read straight to its place.
  uint32_t head = 0;
};

/// Where a page's buffers are in its file, and how many rows it has.
struct PageLocation {
  std::vector<ByteRange> buffers;
  uint64_t rows = 0;
};

class PageLayout {
 public:
  virtual ~PageLayout() = default;

  /// Appends what ParseIndex has to be given; nothing if the page needs no bytes for its index.
  virtual void IndexRanges(std::vector<ByteRange>* ranges) const = 0;
  virtual arrow::Result<std::shared_ptr<const PageIndex>> ParseIndex(
      std::span<const Bytes> fetched) const = 0;

  /// Appends the reads for `runs`.
  virtual arrow::Status Plan(const PageIndex& index, std::span<const Run> runs,
                             std::vector<PlannedRead>* reads) const = 0;

  /// Sets how long the value of each slot of `runs` is. False if that is known only when values, of
  /// variable width, are decoded.
  virtual bool ValueLengths(const PageIndex&, std::span<const Run> /*runs*/,
                            std::span<uint64_t> /*lengths*/) const {
    return false;
  }

  /// Decodes the rows of `runs` from the bytes of the reads planned for them: only the head where
  /// the value is in its place. Variable-width values may be put as views: bytes and index must
  /// outlive the builder's Finish.
  virtual arrow::Status Decode(const PageIndex& index, std::span<const Run> runs,
                               std::span<const PlannedRead> reads, std::span<const Bytes> fetched,
                               Arena* arena, LeafBuilder* builder) const = 0;
};

/// The layout for a page's descriptor. Checks that the page's layers and value shape fit the
/// column.
arrow::Result<std::unique_ptr<PageLayout>> MakePageLayout(
    const lance::encodings21::PageLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type);

}  // namespace pilum::encoding
