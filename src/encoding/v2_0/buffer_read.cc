#include "encoding/v2_0/buffer_read.h"

#include <algorithm>
#include <string>

#include <arrow/util/bitmap_ops.h>

#include "encoding/codec.h"
#include "pilum/error.h"

namespace pilum::encoding::v2_0 {
namespace {

using arrow::Result;
using arrow::Status;

/// Neighbours nearer than this are fetched as one, so that rows with gaps do not become as many
/// requests.
constexpr uint64_t kNearBits = 512 * 8;

}  // namespace

Result<ByteRange> FindBuffer(const lance::encodings::Buffer& wire,
                             std::span<const ByteRange> buffers) {
  if (wire.buffer_type() != lance::encodings::Buffer::page ||
      wire.buffer_index() >= buffers.size()) {
    return bytes::Corrupt("page buffer " + std::to_string(wire.buffer_index()) + " of " +
                          std::to_string(buffers.size()));
  }
  return buffers[wire.buffer_index()];
}

Result<FlatBuffer> ParseBuffer(const lance::encodings::Flat& flat,
                               std::span<const ByteRange> buffers) {
  FlatBuffer buffer;
  ARROW_ASSIGN_OR_RAISE(buffer.range, FindBuffer(flat.buffer(), buffers));
  buffer.bits = flat.bits_per_value();
  ARROW_RETURN_NOT_OK(CheckBits(buffer.bits, "flat encoding"));
  const std::string& scheme = flat.compression().scheme();
  if (scheme == "zstd") {
    buffer.compression = CompressionScheme::kZstd;
  } else if (scheme == "lz4") {
    buffer.compression = CompressionScheme::kLz4;
  } else if (!scheme.empty() && scheme != "none") {
    return MakeError(ErrorKind::kUnsupported, "compression scheme '" + scheme + "'");
  }
  return buffer;
}

void BufferRead::Want(uint64_t first, uint64_t count) {
  if (parts_.empty() && buffer_.compression) parts_.push_back({});
  const bool near = !parts_.empty() &&
                    (buffer_.compression || first <= parts_.back().end + kNearBits / buffer_.bits);
  if (near) {
    parts_.back().end = std::max(parts_.back().end, first + count);
  } else {
    parts_.push_back({first, first + count, {}});
  }
}

Status BufferRead::Request(std::vector<ByteRange>* ranges) const {
  if (parts_.empty()) return Status::OK();
  if (buffer_.compression) {
    ranges->push_back(buffer_.range);
    return Status::OK();
  }
  for (const Part& part : parts_) {
    ARROW_RETURN_NOT_OK(CheckEnd(part, buffer_.range.length));
    const uint64_t begin = part.first * buffer_.bits / 8;
    const uint64_t end = (part.end * buffer_.bits + 7) / 8;
    ranges->push_back({buffer_.range.offset + begin, end - begin});
  }
  return Status::OK();
}

Status BufferRead::Accept(std::span<const Bytes>* fetched, Arena* arena) {
  for (size_t i = 0; i < parts_.size(); ++i) parts_[i].bytes = (*fetched)[i];
  *fetched = fetched->subspan(parts_.size());
  if (!buffer_.compression || parts_.empty()) return Status::OK();
  Part& whole = parts_[0];
  auto plain = Decompress(*buffer_.compression, whole.bytes, arena);
  if (!plain.ok()) return Context(plain.status());
  whole.bytes = *plain;
  return CheckEnd(whole, plain->size());
}

Status BufferRead::CheckEnd(const Part& part, uint64_t size) const {
  const unsigned __int128 need = (static_cast<unsigned __int128>(part.end) * buffer_.bits + 7) / 8;
  if (need <= size) return Status::OK();
  return Context(bytes::Truncated("values", 0, static_cast<uint64_t>(need), size));
}

Bytes BufferRead::Get(uint64_t first, uint64_t count, Arena* arena) {
  while (part_ + 1 < parts_.size() && parts_[part_ + 1].first <= first) ++part_;
  const Part& part = parts_[part_];
  const uint64_t begin_bit = first * buffer_.bits - part.first * buffer_.bits / 8 * 8;
  const uint64_t total_bits = count * buffer_.bits;
  const uint64_t size = (total_bits + 7) / 8;
  const Bytes stored = part.bytes.subspan(begin_bit / 8);
  if (begin_bit % 8 == 0) return stored.first(size);
  std::byte* out = arena->Allocate(size);
  arrow::internal::CopyBitmap(reinterpret_cast<const uint8_t*>(stored.data()),
                              static_cast<int64_t>(begin_bit % 8), static_cast<int64_t>(total_bits),
                              reinterpret_cast<uint8_t*>(out), 0);
  return Bytes(out, size);
}

uint64_t BufferRead::total_bytes() const {
  return buffer_.compression && !parts_.empty() ? parts_[0].bytes.size() : buffer_.range.length;
}

Status BufferRead::Context(const Status& status) const {
  return WithContext(status, {.offset = buffer_.range.offset});
}

// A slot begins where the one before it ends.
void EndsRead::Want(std::span<const SlotRange> slots) {
  for (const SlotRange& range : slots) {
    const uint64_t before = range.first > 0;
    ends_.Want(range.first - before, range.count + before);
  }
}

Status EndsRead::Parse(std::span<const SlotRange> slots, std::span<const Bytes>* fetched,
                       Arena* arena) {
  ARROW_RETURN_NOT_OK(ends_.Accept(fetched, arena));
  uint64_t total = 0;
  for (const SlotRange& range : slots) total += range.count;
  positions_.resize(total + slots.size());
  def_.resize(total);
  uint64_t* to = positions_.data();
  uint16_t* def = def_.data();
  uint64_t previous = 0;
  bool ascending = true;
  for (const SlotRange& range : slots) {
    const uint64_t before = range.first > 0;
    const Bytes stored = ends_.Get(range.first - before, range.count + before, arena);
    ascending &= ParseRange(stored, before > 0, {to, range.count + 1}, {def, range.count});
    ascending &= *to >= previous;
    previous = *to;
    largest_ = std::max(largest_, to[range.count]);
    to += range.count + 1;
    def += range.count;
  }
  return ascending ? Status::OK() : ends_.Context(bytes::Corrupt("ends of values do not ascend"));
}

// Returns whether they ascend. The first position is that of the slot before, if there is one.
bool EndsRead::ParseRange(Bytes stored, bool has_before, std::span<uint64_t> positions,
                          std::span<uint16_t> def) const {
  const auto is_null = [&](uint64_t raw) {
    return null_adjustment_ > 0 && raw >= null_adjustment_;
  };
  const auto position = [&](uint64_t raw) { return is_null(raw) ? raw - null_adjustment_ : raw; };
  const std::byte* p = stored.data();
  positions[0] = has_before ? position(bytes::Load<uint64_t>(p)) : 0;
  if (has_before) p += 8;
  bool ascending = true;
  for (size_t i = 0; i < def.size(); ++i) {
    const uint64_t raw = bytes::Load<uint64_t>(p + i * 8);
    def[i] = is_null(raw);
    positions[i + 1] = position(raw);
    ascending &= positions[i + 1] >= positions[i];
  }
  return ascending;
}

Status EndsRead::CheckTotal(uint64_t total) const {
  if (null_adjustment_ != 0 && null_adjustment_ <= total) {
    return ends_.Context(bytes::Corrupt("ends of values up to " + std::to_string(total) +
                                        " of which those from " + std::to_string(null_adjustment_) +
                                        " on mark nulls"));
  }
  if (largest_ <= total) return Status::OK();
  return ends_.Context(bytes::Corrupt("a value ends at " + std::to_string(largest_) + " of " +
                                      std::to_string(total)));
}

}  // namespace pilum::encoding::v2_0
