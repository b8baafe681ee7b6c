// Mini-block pages (bytes: mini_block.h).
#include <algorithm>
#include <bit>

#include "encoding/page_layout/level_encoder.h"
#include "encoding/page_layout/page_writer.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kMostLevels = UINT16_MAX / 2;  // of a chunk: a u16 counts their bytes
constexpr uint64_t kWordUnit = 8;

/// Chunk by chunk, the three buffers of a page.
class ChunkWriter {
 public:
  ChunkWriter(const LeafRows& rows, const DeclaredLevels& levels, const MiniBlockEncoder& encoder,
              uint64_t most_values, const PageOptions& options)
      : rows_(rows),
        levels_(levels),
        encoder_(encoder),
        most_values_(most_values),
        rep_encoder_(levels.rep, levels.max_rep, LevelsPerChunk(), options.large_chunks),
        def_encoder_(levels.def, levels.max_def, LevelsPerChunk(), options.large_chunks),
        options_(options),
        chunks_(options.pool),
        words_(options.pool),
        index_(options.pool) {}

  /// False if a chunk is larger than the version allows. `plain_bytes` are those of the values.
  Result<bool> Write(uint64_t plain_bytes) {
    chunks_.Reserve(plain_bytes + plain_bytes / 64 + rows_.entries / 4);
    while (slot_ < rows_.slots) {
      const uint32_t n = encoder_.ChunkValues(slot_, rows_.slots, most_values_);
      const uint64_t end = slot_ + n == rows_.slots ? rows_.entries : EntryAfter(n);
      if (HasLevels() && end - entry_ > kMostLevels) return false;
      ARROW_ASSIGN_OR_RAISE(const uint64_t size, WriteChunk(n, end));
      if (!AppendWord(size, n)) return false;
      if (levels_.max_rep > 0) AppendIndex(end);
      slot_ += n;
      entry_ = end;
    }
    return true;
  }

  EncodedPage Finish(std::optional<DictionaryBlock> dictionary) {
    EncodedPage page;
    auto* wire = page.layout.mutable_mini_block_layout();
    if (levels_.max_rep > 0) *wire->mutable_rep_compression() = rep_encoder_.wire();
    if (levels_.max_def > 0) *wire->mutable_def_compression() = def_encoder_.wire();
    *wire->mutable_value_compression() = encoder_.wire();
    for (auto layer : levels_.layers) wire->add_layers(layer);
    wire->set_num_buffers(encoder_.num_buffers());
    wire->set_num_items(rows_.slots);
    wire->set_has_large_chunk(options_.large_chunks);
    page.buffers = {words_.Finish(), chunks_.Finish()};
    if (dictionary) {
      *wire->mutable_dictionary() = std::move(dictionary->wire);
      wire->set_num_dictionary_items(dictionary->num_items);
      page.buffers.push_back(std::move(dictionary->buffer));
    }
    if (levels_.max_rep > 0) {
      wire->set_repetition_index_depth(1);
      page.buffers.push_back(index_.Finish());
    }
    page.rows = rows_.rows;
    return page;
  }

 private:
  /// About.
  uint64_t LevelsPerChunk() const {
    const uint64_t values = encoder_.ChunkValues(0, rows_.slots, most_values_);
    return std::max<uint64_t>(values * rows_.entries / std::max<uint64_t>(rows_.slots, 1), 1);
  }
  bool HasLevels() const { return levels_.max_rep > 0 || levels_.max_def > 0; }

  // The entry after the n-th that owns a slot. Those that own none belong to the next chunk.
  uint64_t EntryAfter(uint32_t n) const {
    if (levels_.max_visible >= levels_.max_def) return entry_ + n;
    uint64_t entry = entry_;
    for (uint32_t seen = 0; seen < n; ++entry) seen += levels_.IsVisible(entry);
    return entry;
  }

  Result<uint64_t> WriteChunk(uint32_t n, uint64_t end) {
    const size_t begin = chunks_.size();
    const uint64_t count = end - entry_;
    chunks_.Put(static_cast<uint16_t>(HasLevels() ? count : 0));
    const size_t level_sizes_at = chunks_.size();
    chunks_.Extend(2 * (size_t{levels_.max_rep > 0} + size_t{levels_.max_def > 0}));
    const size_t sizes_at = chunks_.size();
    chunks_.Extend(encoder_.num_buffers() * (options_.large_chunks ? 4 : 2));
    chunks_.Pad(kBufferAlignment, kFiller);
    size_t size_at = level_sizes_at;
    if (levels_.max_rep > 0)
      AppendLevels(rep_encoder_, levels_.rep.subspan(entry_, count), &size_at);
    if (levels_.max_def > 0)
      AppendLevels(def_encoder_, std::span(levels_.def).subspan(entry_, count), &size_at);
    sizes_.clear();
    ARROW_RETURN_NOT_OK(encoder_.Encode(slot_, n, &chunks_, &sizes_));
    chunks_.Pad(kBufferAlignment, kFiller);
    for (size_t i = 0; i < sizes_.size(); ++i) {
      if (options_.large_chunks) {
        chunks_.PutAt(sizes_at + 4 * i, static_cast<uint32_t>(sizes_[i]));
      } else {
        chunks_.PutAt(sizes_at + 2 * i, static_cast<uint16_t>(sizes_[i]));
      }
    }
    return chunks_.size() - begin;
  }

  void AppendLevels(const LevelEncoder& encoder, std::span<const uint16_t> levels,
                    size_t* size_at) {
    const size_t begin = chunks_.size();
    encoder.Append(levels, &chunks_);
    chunks_.PutAt(*size_at, static_cast<uint16_t>(chunks_.size() - begin));
    *size_at += 2;
    chunks_.Pad(kBufferAlignment, kFiller);
  }

  bool AppendWord(uint64_t size, uint32_t n) {
    const bool last = slot_ + n == rows_.slots;
    const uint64_t units = size / kWordUnit - 1;
    const uint64_t word = units << 4 | (last ? 0 : static_cast<uint64_t>(std::countr_zero(n)));
    if (options_.large_chunks) {
      words_.Put(static_cast<uint32_t>(word));
      return word <= UINT32_MAX;
    }
    words_.Put(static_cast<uint16_t>(word));
    return word <= UINT16_MAX;
  }

  // Rows whose last entry is in the chunk, and the entries after the last of those.
  void AppendIndex(uint64_t end) {
    uint64_t ended = 0;
    uint64_t left = end - entry_;
    for (uint64_t entry = entry_; entry < end; ++entry) {
      if (entry + 1 < rows_.entries && levels_.rep[entry + 1] != levels_.max_rep) continue;
      ++ended;
      left = end - entry - 1;
    }
    index_.Put(ended);
    index_.Put(left);
  }

  const LeafRows& rows_;
  const DeclaredLevels& levels_;
  const MiniBlockEncoder& encoder_;
  const uint64_t most_values_;
  const LevelEncoder rep_encoder_;
  const LevelEncoder def_encoder_;
  const PageOptions& options_;
  ByteWriter chunks_;
  ByteWriter words_;
  ByteWriter index_;
  std::vector<uint64_t> sizes_;
  uint64_t slot_ = 0;
  uint64_t entry_ = 0;
};

uint64_t BytesOf(const Values& values) {
  const uint64_t variable = values.offsets.empty() ? 0 : values.offsets.back() - values.offsets[0];
  return values.fixed.size() + values.offsets.size() * sizeof(uint32_t) + variable;
}

}  // namespace

Result<std::optional<EncodedPage>> WriteMiniBlockPage(const LeafRows& rows,
                                                      const DeclaredLevels& levels,
                                                      MiniBlockChoice values,
                                                      const PageOptions& options) {
  // Where chunks become too large it is by their levels, and fewer values mean fewer of those.
  for (uint64_t most = kMostChunkValues; most >= 2; most /= 8) {
    ChunkWriter writer(rows, levels, *values.encoder, most, options);
    ARROW_ASSIGN_OR_RAISE(const bool fits, writer.Write(BytesOf(rows.values)));
    if (fits) return writer.Finish(std::move(values.dictionary));
  }
  return std::nullopt;
}

}  // namespace pilum::encoding
