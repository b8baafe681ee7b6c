#include "encoding/choose/choose.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <utility>

#include <arrow/util/key_value_metadata.h>

#include "encoding/bitpacking/bitpacking_encode.h"
#include "encoding/byte_stream_split/split_page.h"
#include "encoding/choose/dictionary_block.h"
#include "encoding/choose/statistics.h"
#include "encoding/flat/flat_encode.h"
#include "encoding/fsst/fsst_page.h"
#include "encoding/general/general_encode.h"
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
constexpr uint64_t kSampleBytes = 256 << 10;
constexpr uint64_t kLeastSample = 64;

// Below it a symbol table does not pay.
constexpr uint64_t kLeastFsstBytes = 32 << 10;
constexpr uint32_t kLeastFsstLength = 5;
constexpr double kWorthwhileFsst = 0.9;

// From this size on values are worth a frame of their own each.
constexpr uint64_t kLeastGeneralBytes = 32 << 10;
constexpr double kWorthwhileGeneral = 0.9;
constexpr uint64_t kTriedValues = 4;
constexpr uint64_t kTriedBytes = 16 << 10;  // of each

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

/// How many of the first values tell whether values repeat.
uint64_t SampleSize(const Values& values, const ValueShape& shape, uint64_t n) {
  uint64_t sample = std::min(n, kSample);
  if (!shape.variable) return sample;
  while (sample > kLeastSample && values.offsets[sample] - values.offsets[0] > kSampleBytes)
    sample /= 2;
  return sample;
}

/// Compresses the values of a dictionary, if that makes them smaller.
arrow::Status CompressDictionary(const CompressionRequest& request, DictionaryBlock* block) {
  if (!request.dictionary || block->buffer->size() == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto compressor,
                        GeneralEncoder::Make(*request.dictionary, request.dictionary_level));
  std::vector<std::byte> compressed;
  const auto size = static_cast<size_t>(block->buffer->size());
  ARROW_RETURN_NOT_OK(compressor.Compress(
      {reinterpret_cast<const std::byte*>(block->buffer->data()), size}, &compressed));
  if (static_cast<double>(compressed.size()) > static_cast<double>(size) * kWorthwhileGeneral)
    return arrow::Status::OK();
  ByteWriter out(arrow::default_memory_pool());
  out.Append(compressed);
  block->buffer = out.Finish();
  block->wire = GeneralWire(*request.dictionary, block->wire);
  return arrow::Status::OK();
}

/// A dictionary, if it makes the page smaller than `bytes`.
std::optional<MiniBlockChoice> TryDictionary(const LeafRows& rows, const LeafType& type,
                                             uint64_t bytes, arrow::MemoryPool* pool) {
  const uint64_t n = rows.slots;
  const bool suits =
      type.shape.variable || (type.shape.list_sizes.empty() && type.shape.fields.empty() &&
                              type.shape.bits >= 64 && type.shape.bits % 64 == 0);
  if (!suits || n < kLeastDictionaryRows) return std::nullopt;
  const uint64_t sample = SampleSize(rows.values, type.shape, n);
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
  const uint64_t sampled = SampleSize(values, {.variable = true}, values.offsets.size() - 1);
  const Values sample{.offsets = values.offsets.first(sampled + 1), .bytes = values.bytes};
  const FsstValues tried(sample, encoder);
  const auto plain = static_cast<double>(sample.offsets.back() - sample.offsets.front());
  if (static_cast<double>(tried.values().bytes.size()) > plain * kWorthwhileFsst) return nullptr;
  return std::make_unique<FsstValues>(values, encoder);
}

uint64_t PlainBytes(const LeafRows& rows, const LeafType& type) {
  if (!type.shape.variable) return rows.slots * type.shape.bits / 8;
  const uint64_t offset_bytes = rows.slots * (type.wide_offsets ? 8 : 4);
  return offset_bytes + rows.values.offsets.back() - rows.values.offsets.front();
}

MiniBlockChoice SmallestOfStrings(const LeafRows& rows, const LeafType& type) {
  if (auto encoded = TryFsst(rows.values))
    return {MakeFsstEncoder(std::move(encoded), type.wide_offsets), std::nullopt};
  return {MakeVariableEncoder(rows.values, type.wide_offsets), std::nullopt};
}

EncoderPtr Plain(const LeafRows& rows, const LeafType& type) {
  if (type.shape.variable) return MakeVariableEncoder(rows.values, type.wide_offsets);
  return MakeFlatEncoder(type.shape, rows.values);
}

/// A dictionary with its values compressed, if the page is smaller than `bytes` without that.
arrow::Result<std::optional<MiniBlockChoice>> DictionaryBelow(uint64_t bytes, const LeafRows& rows,
                                                              const LeafType& type,
                                                              const CompressionRequest& request,
                                                              arrow::MemoryPool* pool) {
  auto choice = TryDictionary(rows, type, bytes, pool);
  if (choice) ARROW_RETURN_NOT_OK(CompressDictionary(request, &*choice->dictionary));
  return choice;
}

/// Whether large values get smaller by compressing each; some of them tell.
arrow::Result<bool> GeneralPays(const Values& values, CompressionScheme scheme) {
  ARROW_ASSIGN_OR_RAISE(auto compressor, GeneralEncoder::Make(scheme));
  const uint64_t n = values.offsets.size() - 1;
  uint64_t plain = 0, compressed = 0;
  std::vector<std::byte> out;
  for (uint64_t i = 0; i < n; i += std::max<uint64_t>(n / kTriedValues, 1)) {
    const uint64_t size =
        std::min<uint64_t>(values.offsets[i + 1] - values.offsets[i], kTriedBytes);
    ARROW_RETURN_NOT_OK(compressor.Compress(values.bytes.subspan(values.offsets[i], size), &out));
    plain += size;
    compressed += out.size();
  }
  return static_cast<double>(compressed) < static_cast<double>(plain) * kWorthwhileGeneral;
}

/// Words with their bytes split, in front of general compression, if that makes them smaller.
arrow::Result<EncoderPtr> SplitOrPlain(const LeafRows& rows, const LeafType& type,
                                       const CompressionRequest& request) {
  const bool splittable = IsWord(type.shape) && type.shape.bits >= 32;
  if (!splittable || !request.split.value_or(true)) return Plain(rows, type);
  auto split = MakeByteStreamSplitEncoder(type.shape.bits, rows.values);
  if (request.split) return split;
  ARROW_ASSIGN_OR_RAISE(auto compressor, GeneralEncoder::Make(*request.general, request.level));
  const auto n =
      static_cast<uint32_t>(std::min<uint64_t>(rows.slots, kTriedBytes * 8 / type.shape.bits));
  const auto size_of = [&](const MiniBlockEncoder& encoder) -> arrow::Result<size_t> {
    ByteWriter chunk(arrow::default_memory_pool());
    std::vector<uint64_t> sizes;
    std::vector<std::byte> out;
    ARROW_RETURN_NOT_OK(encoder.Encode(0, n, &chunk, &sizes));
    ARROW_RETURN_NOT_OK(compressor.Compress(chunk.view().first(sizes[0]), &out));
    return out.size();
  };
  auto plain = Plain(rows, type);
  ARROW_ASSIGN_OR_RAISE(const size_t split_size, size_of(*split));
  ARROW_ASSIGN_OR_RAISE(const size_t plain_size, size_of(*plain));
  const bool pays = static_cast<double>(split_size) < static_cast<double>(plain_size) * kWorthwhile;
  return pays ? std::move(split) : std::move(plain);
}

std::string Hint(const arrow::Field& field, const std::string& key) {
  const auto& metadata = field.metadata();
  return metadata ? metadata->Get("lance-encoding:" + key).ValueOr("") : "";
}

/// "zstd" or "lz4"; nothing for "none", which `plain` tells, and for what is left to the choice.
arrow::Result<std::optional<CompressionScheme>> ReadScheme(const std::string& name, bool* plain) {
  if (name == "zstd") return CompressionScheme::kZstd;
  if (name == "lz4") return CompressionScheme::kLz4;
  *plain = name == "none";
  if (*plain || name.empty() || name == "fsst") return std::nullopt;
  return MakeError(ErrorKind::kInvalidArgument,
                   "there is no compression '" + name + "': zstd, lz4, fsst and none");
}

arrow::Result<std::optional<int>> ReadLevel(const std::string& text) {
  if (text.empty()) return std::nullopt;
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return MakeError(ErrorKind::kInvalidArgument, "the compression level '" + text + "'");
}

}  // namespace

arrow::Result<CompressionRequest> ReadRequest(const arrow::Field& field) {
  CompressionRequest request;
  ARROW_ASSIGN_OR_RAISE(request.general, ReadScheme(Hint(field, "compression"), &request.plain));
  request.symbols = Hint(field, "compression") == "fsst";
  ARROW_ASSIGN_OR_RAISE(request.level, ReadLevel(Hint(field, "compression-level")));
  const std::string split = Hint(field, "bss");
  if (split == "on" || split == "off") {
    request.split = split == "on";
  } else if (!split.empty() && split != "auto") {
    return MakeError(ErrorKind::kInvalidArgument,
                     "lance-encoding:bss is on, off or auto, not '" + split + "'");
  }
  const std::string dictionary = Hint(field, "dict-values-compression");
  if (request.plain) request.dictionary.reset();
  if (!dictionary.empty()) {
    bool plain = false;
    ARROW_ASSIGN_OR_RAISE(request.dictionary, ReadScheme(dictionary, &plain));
  }
  ARROW_ASSIGN_OR_RAISE(request.dictionary_level,
                        ReadLevel(Hint(field, "dict-values-compression-level")));
  return request;
}

arrow::Result<std::optional<MiniBlockChoice>> ChooseDictionary(const LeafRows& rows,
                                                               const LeafType& type,
                                                               const CompressionRequest& request,
                                                               arrow::MemoryPool* pool) {
  return DictionaryBelow(PlainBytes(rows, type), rows, type, request, pool);
}

arrow::Result<PerValueChoice> ChoosePerValue(const LeafRows& rows, const LeafType& type,
                                             const CompressionRequest& request) {
  const Wire plain = VariableWire(type.wide_offsets ? 64 : 32);
  PerValueChoice choice;
  std::optional<CompressionScheme> scheme = request.general;
  if (!scheme && !request.plain && type.shape.variable) {
    const uint64_t bytes = rows.values.offsets.back() - rows.values.offsets.front();
    if (bytes / std::max<uint64_t>(rows.slots, 1) >= kLeastGeneralBytes) {
      ARROW_ASSIGN_OR_RAISE(const bool pays, GeneralPays(rows.values, CompressionScheme::kZstd));
      if (pays) scheme = CompressionScheme::kZstd;
    } else {
      choice.encoded = TryFsst(rows.values);
    }
  }
  if (scheme) {
    ARROW_ASSIGN_OR_RAISE(choice.encoder, MakeGeneralValueEncoder(*scheme, request.level, plain));
  } else if (choice.encoded) {
    choice.encoder = MakeRawEncoder(FsstWire(choice.encoded->symbol_table(), plain));
  } else {
    choice.encoder = MakeRawEncoder(plain);
  }
  return choice;
}

arrow::Result<MiniBlockChoice> ChooseMiniBlock(const LeafRows& rows, const LeafType& type,
                                               const CompressionRequest& request,
                                               arrow::MemoryPool* pool) {
  MiniBlockChoice choice;
  if (type.dictionary) {
    ARROW_ASSIGN_OR_RAISE(choice.dictionary, ArrowDictionaryBlock(*rows.dictionary, pool));
    ARROW_RETURN_NOT_OK(CompressDictionary(request, &*choice.dictionary));
    choice.encoder = SmallestOfWords(type.shape, rows.values, rows.slots).encoder;
    return choice;
  }
  if (request.plain) {
    choice.encoder = Plain(rows, type);
    return choice;
  }
  if (request.general) {
    ARROW_ASSIGN_OR_RAISE(auto inner, SplitOrPlain(rows, type, request));
    ARROW_ASSIGN_OR_RAISE(choice.encoder,
                          MakeGeneralEncoder(*request.general, request.level, std::move(inner)));
    return choice;
  }
  Sized words{nullptr, PlainBytes(rows, type)};
  if (IsWord(type.shape)) words = SmallestOfWords(type.shape, rows.values, rows.slots);
  // Strings that repeat are rarely smaller one by one.
  ARROW_ASSIGN_OR_RAISE(auto dictionary, DictionaryBelow(words.bytes, rows, type, request, pool));
  if (dictionary) return *std::move(dictionary);
  if (type.shape.variable) return SmallestOfStrings(rows, type);
  choice.encoder = words.encoder ? std::move(words.encoder) : Plain(rows, type);
  return choice;
}

}  // namespace pilum::encoding
