// General-purpose compression of buffers (layout: general.h).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include <arrow/result.h>
#include <arrow/util/compression.h>

#include "encoding/general/general.h"

namespace pilum::encoding {

/// Compresses buffers one after the other. Not thread-safe.
class GeneralEncoder {
 public:
  /// Without a level, the compression library's default. kInvalid if there is no such level.
  static arrow::Result<GeneralEncoder> Make(CompressionScheme scheme,
                                            std::optional<int> level = std::nullopt);

  /// Replaces `out` by `plain`, compressed and framed. LZ4 takes less than 2 GiB.
  arrow::Status Compress(Bytes plain, std::vector<std::byte>* out);

 private:
  GeneralEncoder(CompressionScheme scheme, std::unique_ptr<arrow::util::Codec> codec)
      : scheme_(scheme), codec_(std::move(codec)) {}

  CompressionScheme scheme_;
  std::unique_ptr<arrow::util::Codec> codec_;
};

}  // namespace pilum::encoding
