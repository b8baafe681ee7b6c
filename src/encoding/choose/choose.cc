#include "encoding/choose/choose.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <utility>

#include <arrow/util/key_value_metadata.h>

#include "encoding/bitpacking/bitpacking_encode.h"
#include "encoding/choose/dictionary_block.h"
#include "encoding/choose/statistics.h"
#include "encoding/flat/flat_encode.h"
#include "encoding/fsst/fsst_page.h"
#include "encoding/general/general_page.h"
#include "encoding/rle/rle_encode.h"
#include "encoding/rle/rle_page.h"
#include "encoding/variable/variable_encode.h"
#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using EncoderPtr = std::unique_ptr<MiniBlockEncoder>;

// Reading values that are stored plain is cheapest, so others have to earn their place.
constexpr double kWorthwhile = 0.95;

constexpr uint64_t kLeastDictionaryRows = 100;
constexpr uint64_t kMostDictionaryItems = 100'000;
constexpr uint64_t kSample = 4096;

// Below it a symbol table does not pay.
constexpr uint64_t kLeastFsstBytes = 32 << 10;
constexpr uint32_t kLeastFsstLength = 5;
constexpr double kWorthwhileFsst = 0.9;

bool IsWord(const ValueShape& shape) {
  return !shape.variable && shape.list_sizes.empty() && shape.fields.empty() &&
         (shape.bits == 8 || shape.bits == 16 || shape.bits == 32 || shape.bits == 64);
}

struct Sized {
  EncoderPtr encoder;
  uint64_t bytes = 0;
};

/// The smallest encoding of n words; `values` must outlive it.
Sized SmallestOfWords(const ValueShape& shape, const Values& values, uint64_t n) {
  const uint64_t plain = n * shape.bits / 8;
  const uint64_t packed = InlineBitpackedBytes(shape.bits, values, n);
  const uint64_t runs =
      CountRuns(static_cast<uint32_t>(shape.bits), values.fixed.data(), n) + n / UINT8_MAX;
  const uint64_t run_length = runs * (shape.bits / 8 + 1);
  const auto limit = static_cast<uint64_t>(static_cast<double>(plain) * kWorthwhile);
  if (run_length < limit && run_length < packed)
    return {MakeRleEncoder(shape.bits, values), run_length};
  if (packed < limit) return {MakeInlineBitpackingEncoder(shape.bits, values), packed};
  return {MakeFlatEncoder(shape, values), plain};
}

/// Keys into a dictionary, with the encoder that refers to them.
class KeyEncoder final : public MiniBlockEncoder {
 public:
  explicit KeyEncoder(std::vector<uint32_t> keys) : keys_(std::move(keys)) {
    values_.fixed = std::as_bytes(std::span(keys_));
    Sized smallest = SmallestOfWords({.bits = 32}, values_, keys_.size());
    inner_ = std::move(smallest.encoder);
    bytes_ = smallest.bytes;
  }

  uint64_t bytes() const { return bytes_; }

  Wire wire() const override { return inner_->wire(); }
  uint64_t num_buffers() const override { return inner_->num_buffers(); }
  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return inner_->ChunkValues(first, n, most);
  }
  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    return inner_->Encode(first, n, chunk, sizes);
  }

 private:
  const std::vector<uint32_t> keys_;
  Values values_;
  EncoderPtr inner_;
  uint64_t bytes_ = 0;
};

uint64_t Distinct(const Values& values, const ValueShape& shape, uint64_t n, uint64_t limit,
                  DistinctValues* found) {
  if (shape.variable) return CountDistinct(values.offsets.first(n + 1), values.bytes, limit, found);
  return CountDistinct(values.fixed.data(), shape.bits / 8, n, limit, found);
}

/// A dictionary, if it makes the page smaller than `bytes`.
std::optional<MiniBlockChoice> TryDictionary(const LeafRows& rows, const LeafType& type,
                                             uint64_t bytes, arrow::MemoryPool* pool) {
  const uint64_t n = rows.slots;
  const bool suits =
      type.shape.variable || (type.shape.list_sizes.empty() && type.shape.fields.empty() &&
                              type.shape.bits >= 64 && type.shape.bits % 64 == 0);
  if (!suits || n < kLeastDictionaryRows) return std::nullopt;
  const uint64_t sample = std::min(n, kSample);
  if (Distinct(rows.values, type.shape, sample, sample / 2, nullptr) > sample / 2)
    return std::nullopt;
  const uint64_t limit = std::min(n / 2, kMostDictionaryItems);
  DistinctValues found;
  if (Distinct(rows.values, type.shape, n, limit, &found) > limit) return std::nullopt;
  auto keys = std::make_unique<KeyEncoder>(std::move(found.indices));
  DictionaryBlock block = DistinctBlock(rows.values, type, found.first, pool);
  const uint64_t total = keys->bytes() + static_cast<uint64_t>(block.buffer->size());
  if (static_cast<double>(total) > static_cast<double>(bytes) * kWorthwhile) return std::nullopt;
  return MiniBlockChoice{std::move(keys), std::move(block)};
}

uint32_t LongestOf(std::span<const uint32_t> offsets) {
  uint32_t longest = 0;
  for (size_t i = 0; i + 1 < offsets.size(); ++i)
    longest = std::max(longest, offsets[i + 1] - offsets[i]);
  return longest;
}

/// Strings encoded with FSST, if that makes them smaller; null otherwise.
std::unique_ptr<FsstValues> TryFsst(const Values& values) {
  const uint64_t bytes = values.offsets.back() - values.offsets.front();
  if (bytes < kLeastFsstBytes || LongestOf(values.offsets) < kLeastFsstLength) return nullptr;
  const FsstEncoder encoder = FsstEncoder::Train(values.offsets, values.bytes);
  const Values sample{.offsets = values.offsets.first(std::min(values.offsets.size(), kSample)),
                      .bytes = values.bytes};
  const FsstValues tried(sample, encoder);
  const auto plain = static_cast<double>(sample.offsets.back() - sample.offsets.front());
  if (static_cast<double>(tried.values().bytes.size()) > plain * kWorthwhileFsst) return nullptr;
  return std::make_unique<FsstValues>(values, encoder);
}

MiniBlockChoice SmallestOfStrings(const LeafRows& rows, const LeafType& type,
                                  arrow::MemoryPool* pool) {
  const uint64_t offset_bytes = rows.slots * (type.wide_offsets ? 8 : 4);
  const uint64_t bytes = rows.values.offsets.back() - rows.values.offsets.front();
  if (auto dictionary = TryDictionary(rows, type, offset_bytes + bytes, pool)) {
    // Strings that repeat are rarely smaller one by one.
    return *std::move(dictionary);
  }
  if (auto encoded = TryFsst(rows.values))
    return {MakeFsstEncoder(std::move(encoded), type.wide_offsets), std::nullopt};
  return {MakeVariableEncoder(rows.values, type.wide_offsets), std::nullopt};
}

EncoderPtr Plain(const LeafRows& rows, const LeafType& type) {
  if (type.shape.variable) return MakeVariableEncoder(rows.values, type.wide_offsets);
  return MakeFlatEncoder(type.shape, rows.values);
}

std::string Hint(const arrow::Field& field, const std::string& key) {
  const auto& metadata = field.metadata();
  return metadata ? metadata->Get("lance-encoding:" + key).ValueOr("") : "";
}

}  // namespace

arrow::Result<CompressionRequest> ReadRequest(const arrow::Field& field) {
  CompressionRequest request;
  const std::string name = Hint(field, "compression");
  if (name == "zstd") {
    request.general = CompressionScheme::kZstd;
  } else if (name == "lz4") {
    request.general = CompressionScheme::kLz4;
  } else if (name == "none") {
    request.plain = true;
  } else if (!name.empty() && name != "fsst") {
    return MakeError(ErrorKind::kInvalidArgument,
                     "there is no compression '" + name + "': zstd, lz4, fsst and none");
  }
  const std::string level = Hint(field, "compression-level");
  if (level.empty()) return request;
  int number = 0;
  const auto [end, error] = std::from_chars(level.data(), level.data() + level.size(), number);
  if (error != std::errc() || end != level.data() + level.size())
    return MakeError(ErrorKind::kInvalidArgument, "the compression level '" + level + "'");
  request.level = number;
  return request;
}

arrow::Result<MiniBlockChoice> ChooseMiniBlock(const LeafRows& rows, const LeafType& type,
                                               const CompressionRequest& request,
                                               arrow::MemoryPool* pool) {
  MiniBlockChoice choice;
  if (type.dictionary) {
    ARROW_ASSIGN_OR_RAISE(choice.dictionary, ArrowDictionaryBlock(*rows.dictionary, pool));
    choice.encoder = SmallestOfWords(type.shape, rows.values, rows.slots).encoder;
    return choice;
  }
  if (request.plain) {
    choice.encoder = Plain(rows, type);
  } else if (request.general) {
    ARROW_ASSIGN_OR_RAISE(choice.encoder,
                          MakeGeneralEncoder(*request.general, request.level, Plain(rows, type)));
  } else if (type.shape.variable) {
    return SmallestOfStrings(rows, type, pool);
  } else if (IsWord(type.shape)) {
    Sized smallest = SmallestOfWords(type.shape, rows.values, rows.slots);
    if (auto dictionary = TryDictionary(rows, type, smallest.bytes, pool))
      return *std::move(dictionary);
    choice.encoder = std::move(smallest.encoder);
  } else if (auto dictionary = TryDictionary(rows, type, rows.slots * type.shape.bits / 8, pool)) {
    return *std::move(dictionary);
  } else {
    choice.encoder = Plain(rows, type);
  }
  return choice;
}

}  // namespace pilum::encoding
