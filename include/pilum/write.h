// Writing rows: how they are laid out in files.
#pragma once

#include <cstdint>
#include <string>

namespace pilum {

struct WriteOptions {
  /// "2.0", "2.1" or "2.2" for a new table, empty for 2.2. A table that exists keeps its own.
  std::string storage_version;
  /// Of a new table: rows keep their ids when they are updated or compacted.
  bool stable_row_ids = false;
  uint64_t max_rows_per_file = 1 << 20;  ///< a fragment ends after so many rows
  uint64_t max_bytes_per_file =
      uint64_t{90} << 30;  ///< or when its file has so many bytes, give or take some pages
  /// Of each page of a column, before encoding; more when single rows are larger. Writing holds a few
  /// pages per column.
  uint64_t page_bytes = 8 << 20;
};

}  // namespace pilum
