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

arrow::Status Damaged(const arrow::Status& status) {
  return bytes::Corrupt("compressed data is damaged: " + status.message());
}

arrow::Status CheckSize(int64_t found, uint64_t declared) {
  if (static_cast<uint64_t>(found) == declared) return arrow::Status::OK();
  return bytes::Corrupt("compressed data decodes to " + std::to_string(found) + " bytes where " +
                        std::to_string(declared) + " were declared");
}

arrow::Result<arrow::util::Codec*> ThreadLz4() {
  thread_local std::unique_ptr<arrow::util::Codec> codec;
  if (!codec) {
    ARROW_ASSIGN_OR_RAISE(codec, arrow::util::Codec::Create(arrow::Compression::LZ4));
  }
  return codec.get();
}

// A decompressor that is kept takes a quarter of the time of one that is made for each chunk, as
// the codec makes it.
arrow::Result<arrow::util::Decompressor*> ThreadZstd() {
  thread_local std::shared_ptr<arrow::util::Decompressor> decompressor;
  if (!decompressor) {
    ARROW_ASSIGN_OR_RAISE(auto codec, arrow::util::Codec::Create(arrow::Compression::ZSTD));
    ARROW_ASSIGN_OR_RAISE(decompressor, codec->MakeDecompressor());
  }
  ARROW_RETURN_NOT_OK(decompressor->Reset());
  return decompressor.get();
}

// Decompresses step by step; memory grows with what really comes out.
arrow::Result<Bytes> DecompressUnknown(Bytes data, uint64_t limit, Arena* arena) {
  ARROW_ASSIGN_OR_RAISE(arrow::util::Decompressor * decompressor, ThreadZstd());
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
    if (!step.ok()) return Damaged(step.status());
    data = data.subspan(static_cast<size_t>(step->bytes_read));
    done += static_cast<uint64_t>(step->bytes_written);
    if (step->bytes_read == 0 && step->bytes_written == 0 && done < room) {
      return bytes::Corrupt("compressed data ends too early");
    }
  }
  return Bytes(out, done);
}

arrow::Result<Bytes> DecompressKnownZstd(Bytes data, uint64_t size, Arena* arena) {
  ARROW_ASSIGN_OR_RAISE(arrow::util::Decompressor * decompressor, ThreadZstd());
  std::byte* out = arena->Allocate(size);
  auto step = decompressor->Decompress(static_cast<int64_t>(data.size()), AsUint8(data.data()),
                                       static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(out));
  if (!step.ok()) return Damaged(step.status());
  // A frame that does not state its size may need another step to end.
  if (!decompressor->IsFinished()) return DecompressUnknown(data, size, arena);
  return Bytes(out, static_cast<size_t>(step->bytes_written));
}

arrow::Result<Bytes> DecompressLz4(Bytes compressed, Arena* arena) {
  bytes::ByteReader reader(compressed);
  ARROW_ASSIGN_OR_RAISE(uint32_t size, reader.Read<uint32_t>("uncompressed size"));
  Bytes data = compressed.subspan(reader.position());
  if (size > data.size() * 255 + 64) {  // no LZ4 block expands further
    return bytes::Corrupt("an LZ4 block of " + std::to_string(data.size()) + " bytes declared as " +
                          std::to_string(size));
  }
  ARROW_ASSIGN_OR_RAISE(arrow::util::Codec * codec, ThreadLz4());
  std::byte* out = arena->Allocate(size);
  auto length = codec->Decompress(static_cast<int64_t>(data.size()), AsUint8(data.data()),
                                  static_cast<int64_t>(size), reinterpret_cast<uint8_t*>(out));
  if (!length.ok()) return Damaged(length.status());
  ARROW_RETURN_NOT_OK(CheckSize(*length, size));
  return Bytes(out, size);
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
  Bytes data;
  if (size <= std::max<uint64_t>(kTrustedSize, frame.size() * 16)) {
    ARROW_ASSIGN_OR_RAISE(data, DecompressKnownZstd(frame, size, arena));
  } else if (size > kMaxSize) {
    return bytes::Corrupt("compressed value declared as " + std::to_string(size) + " bytes");
  } else {
    ARROW_ASSIGN_OR_RAISE(data, DecompressUnknown(frame, size, arena));
  }
  ARROW_RETURN_NOT_OK(CheckSize(static_cast<int64_t>(data.size()), size));
  return data;
}

class GeneralMiniBlock final : public MiniBlockDecoder {
 public:
  GeneralMiniBlock(CompressionScheme scheme, std::unique_ptr<MiniBlockDecoder> inner)
      : scheme_(scheme), inner_(std::move(inner)) {}
  ValueShape shape() const override { return inner_->shape(); }
  uint64_t num_buffers() const override { return inner_->num_buffers(); }
  bool all_or_nothing() const override { return true; }

  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(const auto plain, DecompressFirst(buffers, arena));
    return inner_->Decode(plain, n, into, arena);
  }

  arrow::Result<Values> DecodePart(std::span<const Bytes> buffers, uint32_t n, uint32_t first,
                                   uint32_t count, Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(const auto plain, DecompressFirst(buffers, arena));
    return inner_->DecodePart(plain, n, first, count, arena);
  }

 private:
  arrow::Result<std::vector<Bytes>> DecompressFirst(std::span<const Bytes> buffers,
                                                    Arena* arena) const {
    std::vector<Bytes> plain(buffers.begin(), buffers.end());
    ARROW_ASSIGN_OR_RAISE(plain[0], Decompress(scheme_, buffers[0], arena));
    return plain;
  }

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
  ValueShape shape() const override { return inner_->shape(); }
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
