#include "stream/pack_block.h"

#include <algorithm>

namespace pilum::stream {
namespace {

/// Passes the pieces of a block, and how many tokens are before each, to `visit`. Returns how many there
/// are in all.
template <typename Visit>
arrow::Result<uint64_t> VisitPieces(const PackOptions& packing, TokenQueue* queue,
                                    const Visit& visit) {
  const auto length = static_cast<uint64_t>(packing.block_tokens);
  uint64_t tokens = 0;
  while (tokens < length && queue->tokens() > 0) {
    Piece piece;
    ARROW_RETURN_NOT_OK(queue->Take(length - tokens, &piece));
    visit(tokens, piece);
    tokens += piece.count + piece.eos;
  }
  return tokens;
}

}  // namespace

arrow::Status PackBlock(const PackOptions& packing, TokenQueue* queue, int64_t* input_ids,
                        int64_t* doc_ids, PackCounts* counts) {
  int64_t doc = -1;
  uint64_t rows = 0;
  const auto write = [&](uint64_t at, const Piece& piece) {
    piece.rows->Copy(piece.row, piece.first, piece.count, input_ids + at);
    if (piece.eos) input_ids[at + piece.count] = packing.eos_id;
    std::fill_n(doc_ids + at, piece.count + piece.eos, ++doc);
    rows += piece.eos;
  };
  ARROW_ASSIGN_OR_RAISE(const uint64_t tokens, VisitPieces(packing, queue, write));
  const uint64_t pad_tokens = static_cast<uint64_t>(packing.block_tokens) - tokens;
  std::fill_n(input_ids + tokens, pad_tokens, packing.pad_id);
  std::fill_n(doc_ids + tokens, pad_tokens, std::max<int64_t>(0, doc));
  counts->tokens += tokens;
  counts->pad_tokens += pad_tokens;
  counts->rows += rows;
  return arrow::Status::OK();
}

arrow::Status SkipBlock(const PackOptions& packing, TokenQueue* queue) {
  return VisitPieces(packing, queue, [](uint64_t, const Piece&) {}).status();
}

}  // namespace pilum::stream
