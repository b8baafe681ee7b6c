// How large rows are, and how many of them to read at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "scan/dataset_reader.h"
#include "scan/projection.h"

namespace pilum::scan {

/// What is known of a decoded row before any is read.
struct RowSize {
  uint64_t bytes = 1;  ///< at least 1
  bool exact = true;   ///< all columns are of fixed width; otherwise the size of the files counts
  bool blobs = false;  ///< some values may be in other files than those counted
};

/// Reads nothing.
RowSize EstimateRowSize(const DatasetReader& dataset, const Projection& projection,
                        size_t fragment);

/// Cuts a read into units of bounded size. Where rows are of no fixed size, a fragment is begun
/// with few of them, and what they take says how many to read from then on. Not thread-safe.
class UnitSizer {
 public:
  /// Units of about `unit_bytes`. `batch_rows` > 0: of a multiple of so many rows.
  UnitSizer(RowSize size, uint64_t unit_bytes, uint64_t batch_rows = 0);

  /// Rows of the next unit of a fragment, whose rows are estimated anew when it is the first.
  uint64_t UnitRows(const DatasetReader& dataset, const Projection& projection, size_t fragment);
  /// `rows` of a fragment took `bytes`.
  void Observe(size_t fragment, uint64_t rows, uint64_t bytes);

  uint64_t row_bytes() const { return size_.bytes; }

 private:
  RowSize size_;
  uint64_t unit_bytes_;
  uint64_t batch_rows_;
  std::optional<size_t> begun_;     // the fragment whose rows were estimated last
  std::optional<size_t> observed_;  // the fragment that size_ is known of
};

/// Rows of a batch by default: as many as make about 4 MiB, at most 8192.
uint64_t DefaultBatchRows(uint64_t row_bytes);

}  // namespace pilum::scan
