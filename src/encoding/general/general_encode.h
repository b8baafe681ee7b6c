// General-purpose compression of buffers (layout: general.h).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <arrow/result.h>
#include <arrow/util/compression.h>

#include "encoding/general/general.h"

namespace pilum::encoding {

/// Compresses buffers one after the other. Not thread-safe.
class GeneralEncoder {
 public:
  /// Without a level, with the default of the compression library.
  static arrow::Result<GeneralEncoder> Make(CompressionScheme scheme,
                                            std::optional<int> level = std::nullopt);

  /// Replaces `out` by `plain`, compressed and framed. LZ4 takes less than 2 GiB.
  arrow::Status Compress(Bytes plain, std::vector<std::byte>* out);

 private:
  GeneralEncoder(std::unique_ptr<arrow::util::Codec> codec,
                 std::shared_ptr<arrow::util::Compressor> compressor)
      : codec_(std::move(codec)), compressor_(std::move(compressor)) {}
  arrow::Result<int64_t> CompressTo(Bytes plain, std::span<std::byte> out);

  std::unique_ptr<arrow::util::Codec> codec_;
  std::shared_ptr<arrow::util::Compressor> compressor_;  // of zstd
};

}  // namespace pilum::encoding
