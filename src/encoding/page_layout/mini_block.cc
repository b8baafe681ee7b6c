#include "encoding/page_layout/mini_block.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "encoding/page_layout/decoded_chunks.h"
#include "encoding/page_layout/dictionary.h"
#include "encoding/page_layout/level_decoder.h"
#include "encoding/page_layout/nested_rows.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint32_t kMaxChunkValues = 32768;
constexpr size_t kMaxValueBuffers = 16;
constexpr uint64_t kPlainHeader = 8;  // bytes before the values of a chunk without levels
// A chunk is read whole for so many of its values, if these are no more bytes than pages of memory.
constexpr size_t kFewPoints = 3;
constexpr uint64_t kBytesPerPoint = 4096;

class MiniBlockIndex final : public PageIndex {
 public:
  size_t memory_bytes() const override {
    return sizeof(*this) + 4 * (chunk_start_.size() + value_start_.size() + rows_through_.size()) +
           leftover_.size() / 8 + dictionary.memory_bytes();
  }

  Status AddChunks(Bytes words, bool wide, uint64_t num_items, uint64_t chunks_bytes);
  Status AddRepetition(Bytes index, uint64_t rows);

  uint32_t num_chunks() const { return static_cast<uint32_t>(chunk_start_.size() - 1); }
  uint64_t chunk_offset(uint32_t chunk) const { return uint64_t{chunk_start_[chunk]} * 8; }
  uint64_t chunk_bytes(uint32_t chunk) const {
    return chunk_offset(chunk + 1) - chunk_offset(chunk);
  }
  uint64_t first_value(uint32_t chunk) const { return value_start_[chunk]; }
  uint32_t num_values(uint32_t chunk) const {
    return value_start_[chunk + 1] - value_start_[chunk];
  }
  bool has_repetition() const { return !rows_through_.empty(); }

  /// The chunk in which a row starts, and the one in which it ends.
  uint32_t first_chunk(uint64_t row) const;
  uint32_t last_chunk(uint64_t row) const;
  /// How many rows end before the chunk.
  uint64_t rows_before(uint32_t chunk) const {
    return !has_repetition() ? value_start_[chunk] : chunk == 0 ? 0 : rows_through_[chunk - 1];
  }
  /// Behind the last row of which the chunk has something.
  uint64_t end_row(uint32_t chunk) const {
    return rows_before(chunk + 1) + (has_repetition() && leftover_[chunk]);
  }
  /// The row that a chunk's first entry belongs to, whether it started before, and how many rows
  /// start in the chunk.
  LevelStretch rows_of(uint32_t chunk, uint64_t* starts) const;

  PageDictionary dictionary;
  mutable DecodedChunks decoded;

 private:
  std::vector<uint32_t> chunk_start_;   // in units of 8 bytes; one more than there are chunks
  std::vector<uint32_t> value_start_;   // likewise
  std::vector<uint32_t> rows_through_;  // lists: rows that end in or before the chunk
  std::vector<bool> leftover_;          // lists: a row is still open at the end of the chunk
  int uniform_log2_ = -1;  // values per chunk if all but the last have as many; else -1
};

Status MiniBlockIndex::AddChunks(Bytes words, bool wide, uint64_t num_items,
                                 uint64_t chunks_bytes) {
  const size_t word_size = wide ? 4 : 2;
  if (words.size() % word_size != 0 || words.empty()) {
    return bytes::Corrupt("chunk metadata of " + std::to_string(words.size()) + " bytes");
  }
  const size_t n = words.size() / word_size;
  chunk_start_.resize(n + 1);
  value_start_.resize(n + 1);
  uint64_t start = 0;
  uint64_t values = 0;
  for (size_t i = 0; i < n; ++i) {
    const uint32_t word = wide ? bytes::Load<uint32_t>(words.data() + i * 4)
                               : bytes::Load<uint16_t>(words.data() + i * 2);
    chunk_start_[i] = static_cast<uint32_t>(start);
    value_start_[i] = static_cast<uint32_t>(values);
    start += (word >> 4) + 1;
    if (i + 1 < n) {
      const int log2 = static_cast<int>(word & 15);
      if (log2 == 0) return bytes::Corrupt("chunk " + std::to_string(i) + " of one value");
      uniform_log2_ = i == 0 || uniform_log2_ == log2 ? log2 : -1;
      values += uint64_t{1} << log2;
    }
    if (start > UINT32_MAX || start * 8 > chunks_bytes || values > num_items) {
      return bytes::Corrupt("chunk " + std::to_string(i) + " ends at byte " +
                            std::to_string(start * 8) + " of " + std::to_string(chunks_bytes) +
                            ", value " + std::to_string(values) + " of " +
                            std::to_string(num_items));
    }
  }
  if (num_items - values > kMaxChunkValues) {
    return bytes::Corrupt("the last chunk would hold " + std::to_string(num_items - values) +
                          " values");
  }
  if (start * 8 != chunks_bytes) {
    return bytes::Corrupt("chunks of " + std::to_string(start * 8) + " bytes in a buffer of " +
                          std::to_string(chunks_bytes));
  }
  chunk_start_[n] = static_cast<uint32_t>(start);
  value_start_[n] = static_cast<uint32_t>(num_items);
  return Status::OK();
}

Status MiniBlockIndex::AddRepetition(Bytes index, uint64_t rows) {
  if (index.size() != uint64_t{num_chunks()} * 16) {
    return bytes::Corrupt("repetition index of " + std::to_string(index.size()) + " bytes for " +
                          std::to_string(num_chunks()) + " chunks");
  }
  uint64_t ended = 0;
  for (uint32_t i = 0; i < num_chunks(); ++i) {
    const uint64_t ends = bytes::Load<uint64_t>(index.data() + uint64_t{i} * 16);
    if (ends > rows - ended)
      return bytes::Corrupt("repetition index counts more rows than the page has");
    ended += ends;
    rows_through_.push_back(static_cast<uint32_t>(ended));
    leftover_.push_back(bytes::Load<uint64_t>(index.data() + uint64_t{i} * 16 + 8) > 0);
  }
  if (ended != rows) {
    return bytes::Corrupt("repetition index counts " + std::to_string(ended) + " of " +
                          std::to_string(rows) + " rows");
  }
  if (leftover_.back()) return bytes::Corrupt("repetition index leaves the last row open");
  return Status::OK();
}

uint32_t MiniBlockIndex::last_chunk(uint64_t row) const {
  if (has_repetition()) {
    auto it = std::upper_bound(rows_through_.begin(), rows_through_.end(), row);
    return static_cast<uint32_t>(it - rows_through_.begin());
  }
  if (uniform_log2_ >= 0)
    return std::min(static_cast<uint32_t>(row >> uniform_log2_), num_chunks() - 1);
  auto it = std::upper_bound(value_start_.begin(), value_start_.end() - 1, row);
  return static_cast<uint32_t>(it - value_start_.begin() - 1);
}

uint32_t MiniBlockIndex::first_chunk(uint64_t row) const {
  if (!has_repetition() || row == 0) return has_repetition() ? 0 : last_chunk(row);
  const uint32_t previous_ends = last_chunk(row - 1);
  const bool starts_there = leftover_[previous_ends] || rows_through_[previous_ends] > row;
  return starts_there ? previous_ends : previous_ends + 1;
}

LevelStretch MiniBlockIndex::rows_of(uint32_t chunk, uint64_t* starts) const {
  LevelStretch stretch;
  if (!has_repetition()) {
    stretch.first_row = first_value(chunk);
    *starts = num_values(chunk);
    return stretch;
  }
  stretch.first_row = chunk == 0 ? 0 : rows_through_[chunk - 1];
  stretch.continues = chunk > 0 && leftover_[chunk - 1];
  *starts = rows_through_[chunk] - stretch.first_row + leftover_[chunk] - stretch.continues;
  return stretch;
}

std::span<const uint16_t> VisibleOnly(const PageLevels& levels, std::span<const uint16_t> def,
                                      uint64_t visible, Arena* arena) {
  uint16_t* out = arena->AllocateArray<uint16_t>(visible);
  std::copy_if(def.begin(), def.end(), out,
               [&](uint16_t level) { return level <= levels.max_visible; });
  return {out, visible};
}

/// Of which a chunk has rows [begin, end).
struct WantedRows {
  std::span<const Run> runs;  ///< all of them reach into the chunk
  uint64_t begin = 0;
  uint64_t end = 0;

  bool few() const {
    uint64_t rows = 0;
    for (const Run& run : runs) rows += run.Within(begin, end).count;
    return rows < (end - begin) / 2;
  }
};

class MiniBlockPage final : public PageLayout {
 public:
  static Result<std::unique_ptr<PageLayout>> Make(const lance::encodings21::MiniBlockLayout& wire,
                                                  const PageLocation& location,
                                                  const LevelScheme& scheme, const LeafType& type);

  void IndexRanges(std::vector<ByteRange>* ranges) const override;
  Result<std::shared_ptr<const PageIndex>> ParseIndex(
      std::span<const Bytes> fetched) const override;
  Status Plan(const PageIndex& index, std::span<const Run> runs,
              std::vector<PlannedRead>* reads) const override;
  Status Decode(const PageIndex& index, std::span<const Run> runs,
                std::span<const PlannedRead> reads, std::span<const Bytes> fetched, Arena* arena,
                LeafBuilder* builder) const override;

 private:
  bool WorthAChunk(const MiniBlockIndex& index, std::span<const Run> runs) const;
  bool PlanPoint(const MiniBlockIndex& index, const Run& run, PlannedRead* read) const;
  Result<DecodedChunk> Split(Bytes bytes, std::span<Bytes> buffers, Arena* arena) const;
  Status DecodePoint(const MiniBlockIndex& index, const Run& run, Bytes bytes, Arena* arena,
                     LeafBuilder* builder) const;
  Status DecodeChunk(const MiniBlockIndex& index, uint32_t chunk_number, Bytes bytes,
                     const WantedRows& rows, Arena* arena, LeafBuilder* builder) const;
  Result<DecodedChunk> DecodeWanted(const MiniBlockIndex& index, uint32_t chunk_number, Bytes bytes,
                                    const WantedRows* rows, Arena* arena,
                                    LeafBuilder* builder) const;
  Status CheckLevels(const MiniBlockIndex& index, uint32_t chunk_number, const DecodedChunk& chunk,
                     const LeafBuilder& builder) const;
  Status PutFlat(const MiniBlockIndex& index, const DecodedChunk& chunk, const WantedRows& rows,
                 Arena* arena, LeafBuilder* builder) const;
  Status PutNested(const MiniBlockIndex& index, uint32_t chunk_number, const DecodedChunk& chunk,
                   std::span<const Run> runs, Arena* arena, LeafBuilder* builder) const;
  Status PutValues(const MiniBlockIndex& index, const DecodedChunk& chunk, int64_t slot,
                   uint64_t first, uint64_t n, Arena* arena, LeafBuilder* builder) const;

  PageLevels levels_;
  std::unique_ptr<LevelDecoder> rep_;
  std::unique_ptr<LevelDecoder> def_;
  std::unique_ptr<MiniBlockDecoder> values_;
  std::unique_ptr<DictionaryDecoder> dictionary_;
  bool wide_ = false;
  bool points_ = false;  // single values can be read without the rest of their chunk
  bool keeps_ = false;   // chunks decoded for few of their values
  uint64_t value_bits_ = 0;
  uint64_t num_items_ = 0;
  uint64_t rows_ = 0;
  ByteRange words_range_;
  ByteRange chunks_range_;
  ByteRange dictionary_range_;
  ByteRange repetition_range_;
  bool has_repetition_ = false;
};

Result<std::unique_ptr<PageLayout>> MiniBlockPage::Make(
    const lance::encodings21::MiniBlockLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type) {
  auto page = std::make_unique<MiniBlockPage>();
  ARROW_ASSIGN_OR_RAISE(page->levels_, MapPageLevels(scheme, wire.layers()));
  ARROW_ASSIGN_OR_RAISE(page->values_, MakeMiniBlockDecoder(wire.value_compression()));
  if (wire.has_rep_compression()) {
    ARROW_ASSIGN_OR_RAISE(page->rep_,
                          LevelDecoder::Make(wire.rep_compression(), scheme.num_lists()));
  }
  if (wire.has_def_compression()) {
    ARROW_ASSIGN_OR_RAISE(page->def_,
                          LevelDecoder::Make(wire.def_compression(), page->levels_.max_def()));
  }
  const bool repetition = wire.repetition_index_depth() > 0;
  if (repetition != (scheme.num_lists() > 0) || (page->rep_ != nullptr) != repetition) {
    return bytes::Corrupt("a page has repetition levels and their index if its column has lists");
  }
  if (page->values_->num_buffers() != wire.num_buffers() || wire.num_buffers() > kMaxValueBuffers) {
    return bytes::Corrupt("chunks of " + std::to_string(wire.num_buffers()) +
                          " value buffers where the encoding has " +
                          std::to_string(page->values_->num_buffers()));
  }
  const ValueShape shape = page->values_->shape();
  if (wire.has_dictionary()) {
    ARROW_ASSIGN_OR_RAISE(
        page->dictionary_,
        DictionaryDecoder::Make(wire.dictionary(), wire.num_dictionary_items(), shape, type));
  } else if (shape != type.shape || type.dictionary) {
    return bytes::Corrupt("the page's values are not of the column's type");
  }

  const size_t expected = 2 + wire.has_dictionary() + repetition;
  if (location.buffers.size() != expected || wire.repetition_index_depth() > 1) {
    return bytes::Corrupt("mini-block page of " + std::to_string(location.buffers.size()) +
                          " buffers");
  }
  if (location.rows > UINT32_MAX || wire.num_items() > UINT32_MAX ||
      (!repetition && wire.num_items() != location.rows)) {
    return bytes::Corrupt("page of " + std::to_string(location.rows) + " rows and " +
                          std::to_string(wire.num_items()) + " items");
  }
  page->wide_ = wire.has_large_chunk();
  page->value_bits_ = shape.bits;
  page->points_ =
      !page->rep_ && !page->def_ && scheme.flat() && !shape.variable && wire.num_buffers() == 1;
  page->keeps_ = page->values_->all_or_nothing();
  page->num_items_ = wire.num_items();
  page->rows_ = location.rows;
  page->words_range_ = location.buffers[0];
  page->chunks_range_ = location.buffers[1];
  if (wire.has_dictionary()) page->dictionary_range_ = location.buffers[2];
  if (repetition) page->repetition_range_ = location.buffers.back();
  page->has_repetition_ = repetition;
  return page;
}

void MiniBlockPage::IndexRanges(std::vector<ByteRange>* ranges) const {
  ranges->push_back(words_range_);
  if (dictionary_) ranges->push_back(dictionary_range_);
  if (has_repetition_) ranges->push_back(repetition_range_);
}

Result<std::shared_ptr<const PageIndex>> MiniBlockPage::ParseIndex(
    std::span<const Bytes> fetched) const {
  auto index = std::make_shared<MiniBlockIndex>();
  ARROW_RETURN_NOT_OK(
      WithContext(index->AddChunks(fetched[0], wide_, num_items_, chunks_range_.length),
                  {.offset = words_range_.offset}));
  if (dictionary_) {
    auto dictionary = dictionary_->Decode(fetched[1]);
    if (!dictionary.ok())
      return WithContext(dictionary.status(), {.offset = dictionary_range_.offset});
    index->dictionary = *std::move(dictionary);
  }
  if (has_repetition_) {
    ARROW_RETURN_NOT_OK(WithContext(index->AddRepetition(fetched.back(), rows_),
                                    {.offset = repetition_range_.offset}));
  }
  return index;
}

// Of several points in one chunk each costs what decoding some hundred values does.
bool MiniBlockPage::WorthAChunk(const MiniBlockIndex& index, std::span<const Run> runs) const {
  const uint32_t chunk = index.last_chunk(runs[0].row);
  if (runs.size() < kFewPoints || index.last_chunk(runs[kFewPoints - 1].row) != chunk) return false;
  const uint64_t end = index.first_value(chunk) + index.num_values(chunk);
  const auto behind =
      std::partition_point(runs.begin(), runs.end(), [&](const Run& run) { return run.row < end; });
  const auto points = static_cast<uint64_t>(behind - runs.begin());
  return index.chunk_bytes(chunk) <= points * kBytesPerPoint;
}

// A chunk without levels is 8 bytes of header and its value buffer, of which a few values may need
// only a few bytes. Reading just those is worth it when the rest of the chunk is not wanted.
bool MiniBlockPage::PlanPoint(const MiniBlockIndex& index, const Run& run,
                              PlannedRead* read) const {
  const uint32_t chunk = index.last_chunk(run.row);
  const uint64_t first = run.row - index.first_value(chunk);
  if (first + run.count > index.num_values(chunk)) return false;
  const uint64_t size = index.chunk_bytes(chunk) - kPlainHeader;
  const auto range = values_->PointRange(size, first, run.count);
  if (!range || range->length > size / 4) return false;
  read->range = {chunks_range_.offset + index.chunk_offset(chunk) + kPlainHeader + range->offset,
                 range->length};
  return true;
}

Status MiniBlockPage::Plan(const PageIndex& page_index, std::span<const Run> runs,
                           std::vector<PlannedRead>* reads) const {
  const auto& index = static_cast<const MiniBlockIndex&>(page_index);
  const bool dense = runs.size() >= index.num_chunks() / 4;  // else chunks with several are rare
  uint32_t open_end = 0;  // behind the chunks of the last read; 0 if that is of a point
  for (uint32_t i = 0; i < runs.size(); ++i) {
    const bool whole = !points_ || (dense && (index.last_chunk(runs[i].row) < open_end ||
                                              WorthAChunk(index, runs.subspan(i))));
    PlannedRead point{.first_run = i, .num_runs = 1};
    if (!whole && PlanPoint(index, runs[i], &point)) {
      reads->push_back(point);
      open_end = 0;
      continue;
    }
    const uint32_t first = index.first_chunk(runs[i].row);
    if (open_end == 0 || first > open_end) reads->push_back({.first_run = i, .first_chunk = first});
    PlannedRead& read = reads->back();
    open_end = std::max(read.first_chunk + read.num_chunks,
                        index.last_chunk(runs[i].row + runs[i].count - 1) + 1);
    // Those that end in the same chunks add nothing.
    const uint64_t end_row = index.rows_before(open_end);
    while (i + 1 < runs.size() && runs[i + 1].row + runs[i + 1].count <= end_row) ++i;
    read.num_runs = i + 1 - read.first_run;
    read.num_chunks = open_end - read.first_chunk;
    const uint64_t begin_byte = index.chunk_offset(read.first_chunk);
    read.range = {chunks_range_.offset + begin_byte,
                  index.chunk_offset(read.first_chunk + read.num_chunks) - begin_byte};
    // Once kept, chunks stay, and are there when these are decoded.
    if (index.decoded.HasAll(read.first_chunk, read.num_chunks)) read.range.length = 0;
  }
  return Status::OK();
}

Status MiniBlockPage::Decode(const PageIndex& page_index, std::span<const Run> runs,
                             std::span<const PlannedRead> reads, std::span<const Bytes> fetched,
                             Arena* arena, LeafBuilder* builder) const {
  const auto& index = static_cast<const MiniBlockIndex&>(page_index);
  if (builder->type().dictionary)
    ARROW_RETURN_NOT_OK(builder->UseDictionary(index.dictionary.array));
  for (size_t i = 0; i < reads.size(); ++i) {
    const PlannedRead& read = reads[i];
    const auto served = runs.subspan(read.first_run, read.num_runs);
    if (read.num_chunks == 0) {
      Status status = DecodePoint(index, served[0], fetched[i], arena, builder);
      if (!status.ok()) return WithContext(status, {.offset = read.range.offset});
      continue;
    }
    const uint64_t base = index.chunk_offset(read.first_chunk);
    auto begin = served.begin();
    for (uint32_t chunk = read.first_chunk; chunk < read.first_chunk + read.num_chunks; ++chunk) {
      // The runs that reach into the chunk.
      while (begin != served.end() && begin->row + begin->count <= index.rows_before(chunk))
        ++begin;
      auto end = begin;
      while (end != served.end() && end->row < index.end_row(chunk)) ++end;
      const WantedRows wanted{{begin, end}, index.rows_before(chunk), index.end_row(chunk)};
      const Bytes bytes =
          read.range.length == 0
              ? Bytes()
              : fetched[i].subspan(index.chunk_offset(chunk) - base, index.chunk_bytes(chunk));
      Status status = DecodeChunk(index, chunk, bytes, wanted, arena, builder);
      if (!status.ok()) {
        return WithContext(status, {.offset = chunks_range_.offset + index.chunk_offset(chunk)});
      }
    }
  }
  return Status::OK();
}

Status MiniBlockPage::DecodePoint(const MiniBlockIndex& index, const Run& run, Bytes bytes,
                                  Arena* arena, LeafBuilder* builder) const {
  const uint32_t chunk = index.last_chunk(run.row);
  const uint64_t size = index.chunk_bytes(chunk) - kPlainHeader;
  arena->Reset();
  DecodedChunk point{.stable = values_->stable()};
  ARROW_ASSIGN_OR_RAISE(
      point.values,
      values_->DecodePoints(bytes, size, run.row - index.first_value(chunk), run.count, arena));
  return PutValues(index, point, run.slot, 0, run.count, arena, builder);
}

Status MiniBlockPage::DecodeChunk(const MiniBlockIndex& index, uint32_t chunk_number, Bytes bytes,
                                  const WantedRows& rows, Arena* arena,
                                  LeafBuilder* builder) const {
  arena->Reset();
  const DecodedChunk* chunk = index.decoded.Find(chunk_number);
  DecodedChunk decoded;
  if (chunk == nullptr) {
    const bool keep = keeps_ && rows.few() && index.decoded.Count(chunk_number, index.num_chunks());
    ARROW_ASSIGN_OR_RAISE(
        decoded, DecodeWanted(index, chunk_number, bytes, keep ? nullptr : &rows, arena, builder));
    if (keep) index.decoded.Keep(chunk_number, decoded);
    chunk = &decoded;
  }
  return builder->nested() ? PutNested(index, chunk_number, *chunk, rows.runs, arena, builder)
                           : PutFlat(index, *chunk, rows, arena, builder);
}

// A chunk's values: straight to where they are wanted if all are, else at least those of `rows`; all
// of them, in the arena, if it is null.
Result<DecodedChunk> MiniBlockPage::DecodeWanted(const MiniBlockIndex& index, uint32_t chunk_number,
                                                 Bytes bytes, const WantedRows* rows, Arena* arena,
                                                 LeafBuilder* builder) const {
  const uint32_t n = index.num_values(chunk_number);
  std::array<Bytes, kMaxValueBuffers> parts;
  const std::span<Bytes> buffers(parts.data(), values_->num_buffers());
  ARROW_ASSIGN_OR_RAISE(DecodedChunk chunk, Split(bytes, buffers, arena));
  if (builder->nested() && !rep_ && !def_) chunk.entries = n;
  ARROW_RETURN_NOT_OK(CheckLevels(index, chunk_number, chunk, *builder));
  if (rows == nullptr || builder->nested()) {
    ARROW_ASSIGN_OR_RAISE(chunk.values, values_->Decode(buffers, n, nullptr, arena));
    return chunk;
  }
  if (rows->runs.empty()) {
    ARROW_ASSIGN_OR_RAISE(chunk.values, values_->DecodePart(buffers, n, 0, 0, arena));
    return chunk;
  }
  const Run first = rows->runs.front().Within(rows->begin, rows->end);
  const Run last = rows->runs.back().Within(rows->begin, rows->end);
  if (first.count == n) {
    std::byte* into = dictionary_ ? nullptr : builder->DirectFixed(first.slot);
    ARROW_ASSIGN_OR_RAISE(chunk.values, values_->Decode(buffers, n, into, arena));
  } else {
    ARROW_ASSIGN_OR_RAISE(
        chunk.values,
        values_->DecodePart(buffers, n, static_cast<uint32_t>(first.row - rows->begin),
                            static_cast<uint32_t>(last.row + last.count - first.row), arena));
  }
  return chunk;
}

// The levels and value buffers of a chunk.
Result<DecodedChunk> MiniBlockPage::Split(Bytes bytes, std::span<Bytes> buffers,
                                          Arena* arena) const {
  bytes::ByteReader reader(bytes);
  DecodedChunk chunk{.stable = values_->stable()};
  uint16_t rep_size = 0;
  uint16_t def_size = 0;
  ARROW_ASSIGN_OR_RAISE(chunk.entries, reader.Read<uint16_t>("number of levels"));
  if (rep_) {
    ARROW_ASSIGN_OR_RAISE(rep_size, reader.Read<uint16_t>("size of repetition levels"));
  }
  if (def_) {
    ARROW_ASSIGN_OR_RAISE(def_size, reader.Read<uint16_t>("size of definition levels"));
  }
  std::array<uint32_t, kMaxValueBuffers> sizes;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (wide_) {
      ARROW_ASSIGN_OR_RAISE(sizes[i], reader.Read<uint32_t>("size of a value buffer"));
    } else {
      ARROW_ASSIGN_OR_RAISE(sizes[i], reader.Read<uint16_t>("size of a value buffer"));
    }
  }
  if (rep_) {
    ARROW_RETURN_NOT_OK(reader.Align(8, "padding"));
    ARROW_ASSIGN_OR_RAISE(Bytes rep, reader.Take(rep_size, "repetition levels"));
    ARROW_ASSIGN_OR_RAISE(chunk.rep, rep_->Decode(rep, chunk.entries, arena));
  }
  if (def_) {
    ARROW_RETURN_NOT_OK(reader.Align(8, "padding"));
    ARROW_ASSIGN_OR_RAISE(Bytes def, reader.Take(def_size, "definition levels"));
    ARROW_ASSIGN_OR_RAISE(chunk.def, def_->Decode(def, chunk.entries, arena));
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    ARROW_RETURN_NOT_OK(reader.Align(8, "padding"));
    ARROW_ASSIGN_OR_RAISE(buffers[i], reader.Take(sizes[i], "value buffer"));
  }
  return chunk;
}

Status MiniBlockPage::CheckLevels(const MiniBlockIndex& index, uint32_t chunk_number,
                                  const DecodedChunk& chunk, const LeafBuilder& builder) const {
  const uint32_t n = index.num_values(chunk_number);
  if (!builder.nested()) {
    if (!def_ || chunk.entries == n) return Status::OK();
    return bytes::Corrupt("chunk of " + std::to_string(chunk.entries) + " levels for " +
                          std::to_string(n) + " values");
  }
  if (CountVisible(levels_, chunk.def, chunk.entries) != n) {
    return bytes::Corrupt("the levels of a chunk do not have " + std::to_string(n) + " values");
  }
  uint64_t starts;
  const LevelStretch stretch = index.rows_of(chunk_number, &starts);
  const uint16_t row_level = builder.scheme().num_lists();
  const uint64_t found =
      rep_ ? static_cast<uint64_t>(std::count(chunk.rep.begin(), chunk.rep.end(), row_level))
           : chunk.entries;
  const bool starts_a_row = chunk.entries > 0 && (!rep_ || chunk.rep[0] == row_level);
  if (found != starts || (chunk.entries > 0 && !stretch.continues && !starts_a_row)) {
    return bytes::Corrupt("a chunk starts " + std::to_string(found) +
                          " rows where the repetition index says " + std::to_string(starts));
  }
  return Status::OK();
}

Status MiniBlockPage::PutFlat(const MiniBlockIndex& index, const DecodedChunk& chunk,
                              const WantedRows& rows, Arena* arena, LeafBuilder* builder) const {
  if (def_) ARROW_RETURN_NOT_OK(builder->PutValidity(rows.runs, chunk.def, rows.begin));
  if (!dictionary_ && !values_->shape().variable)
    return builder->PutRuns(rows.runs, chunk.values, rows.begin, rows.end);
  for (const Run& run : rows.runs) {
    const Run part = run.Within(rows.begin, rows.end);
    ARROW_RETURN_NOT_OK(
        PutValues(index, chunk, part.slot, part.row - rows.begin, part.count, arena, builder));
  }
  return Status::OK();
}

Status MiniBlockPage::PutNested(const MiniBlockIndex& index, uint32_t chunk_number,
                                const DecodedChunk& chunk, std::span<const Run> runs, Arena* arena,
                                LeafBuilder* builder) const {
  uint64_t starts;
  LevelStretch stretch = index.rows_of(chunk_number, &starts);
  stretch.rep = chunk.rep;
  stretch.def = chunk.def;
  stretch.entries = chunk.entries;
  const uint32_t n = index.num_values(chunk_number);
  DecodedChunk values = chunk;
  if (dictionary_ && n < chunk.entries) values.def = VisibleOnly(levels_, chunk.def, n, arena);
  return AppendRows(levels_, stretch, runs, builder,
                    [&](int64_t slot, uint64_t first, uint64_t count) {
                      return PutValues(index, values, slot, first, count, arena, builder);
                    });
}

Status MiniBlockPage::PutValues(const MiniBlockIndex& index, const DecodedChunk& chunk,
                                int64_t slot, uint64_t first, uint64_t n, Arena* arena,
                                LeafBuilder* builder) const {
  if (!dictionary_ || builder->type().dictionary)
    return builder->Put(slot, chunk.values, first, n, chunk.stable);
  return index.dictionary.PutItems(chunk.values, value_bits_, chunk.def, slot, first, n, arena,
                                   builder);
}

}  // namespace

Result<std::unique_ptr<PageLayout>> MakeMiniBlockPage(
    const lance::encodings21::MiniBlockLayout& wire, const PageLocation& location,
    const LevelScheme& scheme, const LeafType& type) {
  return MiniBlockPage::Make(wire, location, scheme, type);
}

}  // namespace pilum::encoding
