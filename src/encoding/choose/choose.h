// What the values of a page are compressed with: the smallest of what suits them, or what the field
// asks for.
#pragma once

#include <memory>
#include <optional>

#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "encoding/encoder.h"
#include "encoding/fsst/fsst_page.h"
#include "encoding/general/general.h"
#include "encoding/leaf_builder.h"
#include "encoding/leaf_rows.h"

namespace pilum::encoding {

/// What the metadata of a field asks for (`lance-encoding:compression`, `…-level`, `bss`,
/// `dict-values-compression`, `…-level`).
struct CompressionRequest {
  bool plain = false;    ///< "none": values as they are
  bool symbols = false;  ///< "fsst", which only version 2.0 has to be told
  std::optional<CompressionScheme> general;
  std::optional<int> level;
  std::optional<bool>
      split;  ///< bytes of words, before general compression; nothing: where it pays
  /// Of the values of dictionaries; nothing: none.
  std::optional<CompressionScheme> dictionary = CompressionScheme::kLz4;
  std::optional<int> dictionary_level;
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

/// A dictionary for values that repeat, if it makes them smaller than they are plain.
arrow::Result<std::optional<MiniBlockChoice>> ChooseDictionary(const LeafRows& rows,
                                                               const LeafType& type,
                                                               const CompressionRequest& request,
                                                               arrow::MemoryPool* pool);

/// How values of variable width are encoded one by one.
struct PerValueChoice {
  std::unique_ptr<PerValueEncoder> encoder;
  std::unique_ptr<FsstValues> encoded;  ///< what to encode in place of the values, if not null
};

arrow::Result<PerValueChoice> ChoosePerValue(const LeafRows& rows, const LeafType& type,
                                             const CompressionRequest& request);

/// `rows` must outlive the encoder.
arrow::Result<MiniBlockChoice> ChooseMiniBlock(const LeafRows& rows, const LeafType& type,
                                               const CompressionRequest& request,
                                               arrow::MemoryPool* pool);

}  // namespace pilum::encoding
