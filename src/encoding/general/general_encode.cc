#include "encoding/general/general_encode.h"

#include <cstring>
#include <utility>

namespace pilum::encoding {

arrow::Result<GeneralEncoder> GeneralEncoder::Make(CompressionScheme scheme,
                                                   std::optional<int> level) {
  const auto type =
      scheme == CompressionScheme::kLz4 ? arrow::Compression::LZ4 : arrow::Compression::ZSTD;
  ARROW_ASSIGN_OR_RAISE(
      auto codec,
      arrow::util::Codec::Create(type, level.value_or(arrow::util::kUseDefaultCompressionLevel)));
  return GeneralEncoder(scheme, std::move(codec));
}

arrow::Status GeneralEncoder::Compress(Bytes plain, std::vector<std::byte>* out) {
  out->clear();
  if (plain.empty() && scheme_ == CompressionScheme::kZstd) return arrow::Status::OK();
  const uint64_t size = plain.size();
  const size_t header = scheme_ == CompressionScheme::kLz4 ? 4 : 8;
  const auto* from = reinterpret_cast<const uint8_t*>(plain.data());
  const auto length = static_cast<int64_t>(size);
  const int64_t room = codec_->MaxCompressedLen(length, from);
  out->resize(header + static_cast<size_t>(room));
  std::memcpy(out->data(), &size, header);
  ARROW_ASSIGN_OR_RAISE(
      const int64_t compressed,
      codec_->Compress(length, from, room, reinterpret_cast<uint8_t*>(out->data() + header)));
  out->resize(header + static_cast<size_t>(compressed));
  return arrow::Status::OK();
}

}  // namespace pilum::encoding
