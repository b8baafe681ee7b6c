#include "encoding/codec_conformance.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>

#include "encoding/test_encode.h"

namespace pilum::encoding {
namespace {

using arrow::Result;

/// Copies of buffers in allocations of exactly their size, so that reading past them is noticed.
class ExactBuffers {
 public:
  explicit ExactBuffers(const std::vector<std::string>& buffers, size_t misalign = 0) {
    for (const std::string& buffer : buffers) {
      copies_.push_back(std::make_unique<std::byte[]>(buffer.size() + misalign));
      std::memcpy(copies_.back().get() + misalign, buffer.data(), buffer.size());
      views_.emplace_back(copies_.back().get() + misalign, buffer.size());
    }
  }
  std::span<const Bytes> views() const { return views_; }

 private:
  std::vector<std::unique_ptr<std::byte[]>> copies_;
  std::vector<Bytes> views_;
};

void CopyValues(const ValueShape& shape, const Values& values, uint32_t n, CodecCase* decoded) {
  if (shape.variable) {
    for (uint32_t i = 0; i < n; ++i) {
      decoded->strings.emplace_back(AsText(
          values.bytes.subspan(values.offsets[i], values.offsets[i + 1] - values.offsets[i])));
    }
    return;
  }
  const size_t size = (n * shape.bits + 7) / 8;
  EXPECT_GE(values.fixed.size(), size);
  decoded->fixed = AsText(values.fixed.first(size));
  uint64_t items = n;
  for (size_t level = 0; level < values.item_validity.size(); ++level) {
    items *= shape.list_sizes[level];
    const Bytes bitmap = values.item_validity[level];
    decoded->item_validity.emplace_back(
        AsText(bitmap.empty() ? bitmap : bitmap.first((items + 7) / 8)));
  }
}

Result<CodecCase> Decode(const CodecCase& encoded, std::span<const Bytes> buffers, bool with_into) {
  Arena arena;
  CodecCase decoded{
      .name = encoded.name, .role = encoded.role, .wire = encoded.wire, .n = encoded.n};
  switch (encoded.role) {
    case Role::kMiniBlock: {
      ARROW_ASSIGN_OR_RAISE(auto decoder, MakeMiniBlockDecoder(encoded.wire));
      if (decoder->num_buffers() != buffers.size())
        return bytes::Corrupt("another number of buffers");
      std::unique_ptr<std::byte[]> into;
      if (with_into)
        into = std::make_unique<std::byte[]>((encoded.n * decoder->shape().bits + 7) / 8);
      ARROW_ASSIGN_OR_RAISE(Values values, decoder->Decode(buffers, encoded.n, into.get(), &arena));
      CopyValues(decoder->shape(), values, encoded.n, &decoded);
      return decoded;
    }
    case Role::kBlock: {
      ARROW_ASSIGN_OR_RAISE(auto decoder, MakeBlockDecoder(encoded.wire));
      ARROW_ASSIGN_OR_RAISE(Values values, decoder->Decode(buffers[0], encoded.n, &arena));
      CopyValues(decoder->shape(), values, encoded.n, &decoded);
      return decoded;
    }
    case Role::kPerValue: {
      ARROW_ASSIGN_OR_RAISE(auto decoder, MakePerValueDecoder(encoded.wire));
      for (Bytes buffer : buffers) {
        ARROW_ASSIGN_OR_RAISE(Bytes value, decoder->Decode(buffer, &arena));
        decoded.strings.emplace_back(AsText(value));
      }
      return decoded;
    }
  }
  return bytes::Corrupt("role");
}

void ExpectDecodes(const CodecCase& expected, const Result<CodecCase>& decoded) {
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->fixed, expected.fixed);
  EXPECT_EQ(decoded->strings, expected.strings);
  if (!expected.item_validity.empty()) {
    EXPECT_EQ(decoded->item_validity, expected.item_validity);
  }
}

void Truncate(const CodecCase& whole) {
  for (size_t buffer = 0; buffer < whole.buffers.size(); ++buffer) {
    const size_t size = whole.buffers[buffer].size();
    const size_t step = 1 + size / 3000;
    for (size_t cut = 0; cut < size; cut += step) {
      CodecCase damaged = whole;
      damaged.buffers[buffer].resize(cut);
      (void)Decode(damaged, ExactBuffers(damaged.buffers).views(), false);
    }
  }
}

void FlipBits(const CodecCase& whole) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    CodecCase damaged = whole;
    for (uint32_t flips = 1 + random() % 3; flips > 0; --flips) {
      std::string& buffer = damaged.buffers[random() % damaged.buffers.size()];
      if (!buffer.empty())
        buffer[random() % buffer.size()] ^= static_cast<char>(1 << (random() % 8));
    }
    (void)Decode(damaged, ExactBuffers(damaged.buffers).views(), round % 2 != 0);
  }
}

void OtherCounts(const CodecCase& whole) {
  if (whole.role == Role::kPerValue) return;
  for (uint32_t n :
       {uint32_t{0}, uint32_t{1}, whole.n - 1, whole.n + 1, whole.n * 2 + 7, uint32_t{65535}}) {
    CodecCase damaged = whole;
    damaged.n = n;
    if (n <= 65535) (void)Decode(damaged, ExactBuffers(damaged.buffers).views(), false);
  }
}

std::string BitsOf(std::string_view bytes, uint64_t first, uint64_t count) {
  std::string bits;
  for (uint64_t i = first; i < first + count; ++i)
    bits.push_back('0' + ((bytes[i / 8] >> (i % 8)) & 1));
  return bits;
}

// Single values read by themselves are those of the whole chunk.
void ReadPoints(const CodecCase& test) {
  auto decoder = MakeMiniBlockDecoder(test.wire);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  if ((*decoder)->num_buffers() != 1) return;
  const std::string padded = PadTo(test.buffers[0], 8);
  const uint64_t bits = (*decoder)->shape().bits;
  Arena arena;
  for (uint32_t count : {1, 3}) {
    for (uint32_t i = 0; i + count <= test.n; i += 1 + i / 3) {
      const auto range = (*decoder)->PointRange(padded.size(), i, count);
      if (!range) continue;
      ASSERT_LE(range->offset + range->length, padded.size());
      const ExactBuffers bytes({padded.substr(range->offset, range->length)});
      auto values = (*decoder)->DecodePoints(bytes.views()[0], padded.size(), i, count, &arena);
      ASSERT_TRUE(values.ok()) << values.status();
      ASSERT_GE(values->fixed.size() * 8, count * bits);
      EXPECT_EQ(BitsOf(AsText(values->fixed), 0, count * bits),
                BitsOf(test.fixed, i * bits, count * bits))
          << i;
    }
  }
}

// Part of a chunk's values is decoded as it is in the whole.
void DecodeParts(const CodecCase& test) {
  auto decoder = MakeMiniBlockDecoder(test.wire);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  const ExactBuffers buffers(test.buffers);
  Arena arena;
  for (uint32_t first = 0; first <= test.n; first += 1 + first / 2) {
    for (uint32_t count : {0u, 1u, (test.n - first) / 2, test.n - first}) {
      if (count > test.n - first) continue;
      arena.Reset();
      auto values = (*decoder)->DecodePart(buffers.views(), test.n, first, count, &arena);
      ASSERT_TRUE(values.ok()) << values.status();
      for (uint32_t i = first; i < first + count && !test.strings.empty(); ++i) {
        const uint32_t begin = values->offsets[i];
        EXPECT_EQ(AsText(values->bytes.subspan(begin, values->offsets[i + 1] - begin)),
                  test.strings[i]);
      }
    }
  }
}

}  // namespace

Result<CodecCase> DecodeCase(const CodecCase& encoded, bool with_into) {
  return Decode(encoded, ExactBuffers(encoded.buffers).views(), with_into);
}

void CodecConformance(const Codec& codec, const std::vector<CodecCase>& cases) {
  const auto all = AllCodecs();
  EXPECT_NE(std::find(all.begin(), all.end(), &codec), all.end())
      << codec.name << " is not in the table";
  for (const CodecCase& test : cases) {
    SCOPED_TRACE(std::string(codec.name) + ", " + test.name);
    EXPECT_EQ(test.wire.compression_case(), codec.wire_case);
    ExpectDecodes(test, DecodeCase(test));
    ExpectDecodes(test, DecodeCase(test, /*with_into=*/true));
    for (size_t misalign : {1, 3, 4}) {
      ExpectDecodes(test, Decode(test, ExactBuffers(test.buffers, misalign).views(), false));
    }
    if (test.buffers.empty()) continue;
    if (test.role == Role::kMiniBlock) {
      ReadPoints(test);
      DecodeParts(test);
    }
    Truncate(test);
    FlipBits(test);
    OtherCounts(test);
  }
}

}  // namespace pilum::encoding
