// One block, made of the tokens that come next in a split.
#pragma once

#include <cstdint>

#include <arrow/status.h>

#include "pilum/packing.h"
#include "stream/token_queue.h"

namespace pilum::stream {

/// Takes the tokens of a block from the queue, as many as there are of them, and writes block_tokens ids
/// and as many numbers of documents. Adds what the block is made of to `counts`. Errors as
/// TokenQueue::Take.
arrow::Status PackBlock(const PackOptions& packing, TokenQueue* queue, int64_t* input_ids,
                        int64_t* doc_ids, PackCounts* counts);

/// Takes the same tokens for nothing.
arrow::Status SkipBlock(const PackOptions& packing, TokenQueue* queue);

}  // namespace pilum::stream
