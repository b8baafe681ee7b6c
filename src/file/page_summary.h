// A column's pages in words and numbers, without decoding them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "file/file_reader.h"

namespace pilum::file {

struct PageSummary {
  std::string description;    ///< "mini-block bitpacked64"
  uint64_t stored_bytes = 0;  ///< of its buffers
  uint64_t rows = 0;
};

arrow::Result<std::vector<PageSummary>> SummarizePages(const FileReader& file, uint32_t column);

}  // namespace pilum::file
