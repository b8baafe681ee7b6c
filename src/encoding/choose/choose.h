// What a mini-block page is compressed with: the smallest of what suits its values, or what the
// field asks for.
#pragma once

#include <memory>
#include <optional>

#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "encoding/encoder.h"
#include "encoding/general/general.h"
#include "encoding/leaf_builder.h"
#include "encoding/leaf_rows.h"

namespace pilum::encoding {

/// What the metadata of a field asks for (`lance-encoding:compression`, `…-level`).
struct CompressionRequest {
  bool plain = false;  ///< "none": values as they are
  std::optional<CompressionScheme> general;
  std::optional<int> level;
};

/// kInvalidArgument for values that no such key has.
arrow::Result<CompressionRequest> ReadRequest(const arrow::Field& field);

/// The distinct values that a page's values are keys into.
struct DictionaryBlock {
  Wire wire;
  uint64_t num_items = 0;
  std::shared_ptr<arrow::Buffer> buffer;
};

struct MiniBlockChoice {
  std::unique_ptr<MiniBlockEncoder> encoder;
  std::optional<DictionaryBlock> dictionary;
};

/// `rows` must outlive the encoder.
arrow::Result<MiniBlockChoice> ChooseMiniBlock(const LeafRows& rows, const LeafType& type,
                                               const CompressionRequest& request,
                                               arrow::MemoryPool* pool);

}  // namespace pilum::encoding
