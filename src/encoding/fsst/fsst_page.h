// Strings compressed with FSST on their way into pages.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "encoding/encoder.h"
#include "encoding/fsst/fsst_encode.h"

namespace pilum::encoding {

Wire FsstWire(const std::string& symbol_table, const Wire& values);

/// The values of a page, encoded with a table of their own.
class FsstValues {
 public:
  explicit FsstValues(const Values& plain, const FsstEncoder& encoder);

  const Values& values() const { return values_; }
  const std::string& symbol_table() const { return symbol_table_; }

 private:
  std::string symbol_table_;
  std::vector<uint32_t> offsets_;
  std::unique_ptr<std::byte[]> bytes_;
  Values values_;
};

std::unique_ptr<MiniBlockEncoder> MakeFsstEncoder(std::unique_ptr<FsstValues> encoded, bool wide);

}  // namespace pilum::encoding
