#include "encoding/general/general_encode.h"

#include <cstring>

#include "pilum/error.h"

namespace pilum::encoding {
namespace {

// Of a zstd frame that is made step by step, beyond one made at once.
constexpr size_t kFrameRoom = 64;

const uint8_t* AsUint8(const std::byte* p) { return reinterpret_cast<const uint8_t*>(p); }
uint8_t* AsUint8(std::byte* p) { return reinterpret_cast<uint8_t*>(p); }

}  // namespace

arrow::Result<GeneralEncoder> GeneralEncoder::Make(CompressionScheme scheme,
                                                   std::optional<int> level) {
  const bool zstd = scheme == CompressionScheme::kZstd;
  ARROW_ASSIGN_OR_RAISE(auto codec, arrow::util::Codec::Create(
                                        zstd ? arrow::Compression::ZSTD : arrow::Compression::LZ4,
                                        level.value_or(arrow::util::kUseDefaultCompressionLevel)));
  std::shared_ptr<arrow::util::Compressor> compressor;
  if (zstd) {
    ARROW_ASSIGN_OR_RAISE(compressor, codec->MakeCompressor());
  }
  return GeneralEncoder(std::move(codec), std::move(compressor));
}

arrow::Status GeneralEncoder::Compress(Bytes plain, std::vector<std::byte>* out) {
  out->clear();
  if (plain.empty() && compressor_) return arrow::Status::OK();
  const uint64_t size = plain.size();
  const size_t header = compressor_ ? 8 : 4;
  const int64_t room = codec_->MaxCompressedLen(static_cast<int64_t>(size), AsUint8(plain.data()));
  out->resize(header + static_cast<size_t>(room) + kFrameRoom);
  std::memcpy(out->data(), &size, header);
  ARROW_ASSIGN_OR_RAISE(const int64_t compressed,
                        CompressTo(plain, std::span(*out).subspan(header)));
  out->resize(header + static_cast<size_t>(compressed));
  return arrow::Status::OK();
}

arrow::Result<int64_t> GeneralEncoder::CompressTo(Bytes plain, std::span<std::byte> out) {
  const auto size = static_cast<int64_t>(plain.size()), room = static_cast<int64_t>(out.size());
  if (!compressor_) {
    return codec_->Compress(size, AsUint8(plain.data()), room, AsUint8(out.data()));
  }
  // A compressor that is kept takes a half to a quarter of the time of one that is made for each
  // chunk, as the codec makes it. After the end of a frame it begins another.
  ARROW_ASSIGN_OR_RAISE(const auto step, compressor_->Compress(size, AsUint8(plain.data()), room,
                                                               AsUint8(out.data())));
  ARROW_ASSIGN_OR_RAISE(const auto end, compressor_->End(room - step.bytes_written,
                                                         AsUint8(out.data() + step.bytes_written)));
  if (step.bytes_read < size || end.should_retry) {
    return MakeError(ErrorKind::kInternal, "zstd compresses to more than it says it may");
  }
  return step.bytes_written + end.bytes_written;
}

}  // namespace pilum::encoding
