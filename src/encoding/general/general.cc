#include "encoding/general/general.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <arrow/util/compression.h>

namespace pilum::encoding {
namespace {

constexpr uint32_t kZstdMagic = 0xFD2FB528;
// Claims up to this size are believed; it is what a page of the format holds at most.
constexpr uint64_t kTrustedSize = 32 << 20;
constexpr uint64_t kMaxSize = uint64_t{1} << 32;

const uint8_t* AsUint8(const std::byte* p) { return reinterpret_cast<const uint8_t*>(p); }

arrow::Result<arrow::util::Codec*> ThreadCodec(arrow::Compression::type type) {
  thread_local std::unique_ptr<arrow::util::Codec> codecs[2];
  auto& codec = codecs[type == arrow::Compression::ZSTD];
  if (!codec) {
    ARROW_ASSIGN_OR_RAISE(codec, arrow::util::Codec::Create(type));
  }
  return codec.get();
}

arrow::Result<Bytes> DecompressKnown(arrow::Compression::type type, Bytes data, uint64_t size,
                                     Arena* arena) {
  ARROW_ASSIGN_OR_RAISE(arrow::util::Codec * codec, ThreadCodec(type));
  std::byte* out = arena->Allocate(size);
  auto length = codec->Decompress(static_cast<int64_t>(data.size()), AsUint8(data.data()),
                                  static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(out));
  if (!length.ok())
    return bytes::Corrupt("compressed data is damaged: " + length.status().message());
  if (static_cast<uint64_t>(*length) != size) {
    return bytes::Corrupt("compressed data decodes to " + std::to_string(*length) +
                          " bytes where " + std::to_string(size) + " were declared");
  }
  return Bytes(out, size);
}

// Decompresses step by step; memory grows with what really comes out.
arrow::Result<Bytes> DecompressUnknown(Bytes data, uint64_t limit, Arena* arena) {
  ARROW_ASSIGN_OR_RAISE(auto codec, arrow::util::Codec::Create(arrow::Compression::ZSTD));
  ARROW_ASSIGN_OR_RAISE(auto decompressor, codec->MakeDecompressor());
  uint64_t room = std::max<uint64_t>(data.size() * 4, 64 << 10);
  std::byte* out = arena->Allocate(room);
  uint64_t done = 0;
  while (!decompressor->IsFinished()) {
    if (done == room) {
      if (room >= limit) return bytes::Corrupt("compressed data decodes to more than was declared");
      std::byte* larger = arena->Allocate(room * 2);
      std::memcpy(larger, out, done);
      out = larger;
      room *= 2;
    }
    auto step = decompressor->Decompress(static_cast<int64_t>(data.size()), AsUint8(data.data()),
                                         static_cast<int64_t>(room - done),
                                         reinterpret_cast<uint8_t*>(out) + done);
    if (!step.ok()) return bytes::Corrupt("compressed data is damaged: " + step.status().message());
    data = data.subspan(static_cast<size_t>(step->bytes_read));
    done += static_cast<uint64_t>(step->bytes_written);
    if (step->bytes_read == 0 && step->bytes_written == 0 && done < room) {
      return bytes::Corrupt("compressed data ends too early");
    }
  }
  return Bytes(out, done);
}

arrow::Result<Bytes> DecompressLz4(Bytes compressed, Arena* arena) {
  bytes::ByteReader reader(compressed);
  ARROW_ASSIGN_OR_RAISE(uint32_t size, reader.Read<uint32_t>("uncompressed size"));
  Bytes data = compressed.subspan(reader.position());
  if (size > data.size() * 255 + 64) {  // no LZ4 block expands further
    return bytes::Corrupt("an LZ4 block of " + std::to_string(data.size()) + " bytes declared as " +
                          std::to_string(size));
  }
  return DecompressKnown(arrow::Compression::LZ4, data, size, arena);
}

bool IsBareFrame(Bytes data) {
  if (data.size() < 8) return true;
  return bytes::Load<uint32_t>(data.data()) == kZstdMagic &&
         (static_cast<uint8_t>(data[4]) & 16) == 0;
}

arrow::Result<Bytes> DecompressZstd(Bytes compressed, Arena* arena) {
  if (compressed.empty()) return compressed;
  if (IsBareFrame(compressed)) return DecompressUnknown(compressed, kMaxSize, arena);
  uint64_t size = bytes::Load<uint64_t>(compressed.data());
  Bytes frame = compressed.subspan(8);
  if (size <= std::max<uint64_t>(kTrustedSize, frame.size() * 16)) {
    return DecompressKnown(arrow::Compression::ZSTD, frame, size, arena);
  }
  if (size > kMaxSize)
    return bytes::Corrupt("compressed value declared as " + std::to_string(size) + " bytes");
  ARROW_ASSIGN_OR_RAISE(Bytes data, DecompressUnknown(frame, size, arena));
  if (data.size() != size) {
    return bytes::Corrupt("compressed data decodes to " + std::to_string(data.size()) +
                          " bytes where " + std::to_string(size) + " were declared");
  }
  return data;
}

class GeneralMiniBlock final : public MiniBlockDecoder {
 public:
  GeneralMiniBlock(CompressionScheme scheme, std::unique_ptr<MiniBlockDecoder> inner)
      : scheme_(scheme), inner_(std::move(inner)) {}
  ValueShape shape() const override { return inner_->shape(); }
  uint64_t num_buffers() const override { return inner_->num_buffers(); }

  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    std::vector<Bytes> plain(buffers.begin(), buffers.end());
    ARROW_ASSIGN_OR_RAISE(plain[0], Decompress(scheme_, buffers[0], arena));
    return inner_->Decode(plain, n, into, arena);
  }

 private:
  CompressionScheme scheme_;
  std::unique_ptr<MiniBlockDecoder> inner_;
};

class GeneralBlock final : public BlockDecoder {
 public:
  GeneralBlock(CompressionScheme scheme, std::unique_ptr<BlockDecoder> inner)
      : scheme_(scheme), inner_(std::move(inner)) {}
  ValueShape shape() const override { return inner_->shape(); }
  arrow::Result<Values> Decode(Bytes buffer, uint64_t n, Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(Bytes plain, Decompress(scheme_, buffer, arena));
    return inner_->Decode(plain, n, arena);
  }

 private:
  CompressionScheme scheme_;
  std::unique_ptr<BlockDecoder> inner_;
};

class GeneralPerValue final : public PerValueDecoder {
 public:
  GeneralPerValue(CompressionScheme scheme, std::unique_ptr<PerValueDecoder> inner)
      : scheme_(scheme), inner_(std::move(inner)) {}
  arrow::Result<Bytes> Decode(Bytes encoded, Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(Bytes plain, Decompress(scheme_, encoded, arena));
    return inner_->Decode(plain, arena);
  }

 private:
  CompressionScheme scheme_;
  std::unique_ptr<PerValueDecoder> inner_;
};

arrow::Result<CompressionScheme> SchemeOf(const Wire& wire) {
  switch (wire.general().compression().scheme()) {
    case lance::encodings21::COMPRESSION_ALGORITHM_LZ4:
      return CompressionScheme::kLz4;
    case lance::encodings21::COMPRESSION_ALGORITHM_ZSTD:
      return CompressionScheme::kZstd;
    default:
      return bytes::Corrupt("compression scheme number " +
                            std::to_string(wire.general().compression().scheme()));
  }
}

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(CompressionScheme scheme, SchemeOf(wire));
  ARROW_ASSIGN_OR_RAISE(auto inner, MakeMiniBlockDecoder(wire.general().values(), depth + 1));
  return std::make_unique<GeneralMiniBlock>(scheme, std::move(inner));
}

arrow::Result<std::unique_ptr<BlockDecoder>> MakeBlock(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(CompressionScheme scheme, SchemeOf(wire));
  ARROW_ASSIGN_OR_RAISE(auto inner, MakeBlockDecoder(wire.general().values(), depth + 1));
  return std::make_unique<GeneralBlock>(scheme, std::move(inner));
}

arrow::Result<std::unique_ptr<PerValueDecoder>> MakePerValue(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(CompressionScheme scheme, SchemeOf(wire));
  ARROW_ASSIGN_OR_RAISE(auto inner, MakePerValueDecoder(wire.general().values(), depth + 1));
  return std::make_unique<GeneralPerValue>(scheme, std::move(inner));
}

}  // namespace

arrow::Result<Bytes> Decompress(CompressionScheme scheme, Bytes compressed, Arena* arena) {
  return scheme == CompressionScheme::kLz4 ? DecompressLz4(compressed, arena)
                                           : DecompressZstd(compressed, arena);
}

const Codec kGeneral = {.name = "general",
                        .wire_case = Wire::kGeneral,
                        .mini_block = MakeMiniBlock,
                        .block = MakeBlock,
                        .per_value = MakePerValue};

}  // namespace pilum::encoding
