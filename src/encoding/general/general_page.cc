#include "encoding/general/general_page.h"

#include <utility>

#include "encoding/general/general_encode.h"

namespace pilum::encoding {
namespace {

class GeneralPageEncoder final : public MiniBlockEncoder {
 public:
  GeneralPageEncoder(CompressionScheme scheme, GeneralEncoder compressor,
                     std::unique_ptr<MiniBlockEncoder> inner)
      : scheme_(scheme), compressor_(std::move(compressor)), inner_(std::move(inner)) {}

  Wire wire() const override { return GeneralWire(scheme_, inner_->wire()); }
  uint64_t num_buffers() const override { return inner_->num_buffers(); }
  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return inner_->ChunkValues(first, n, most);
  }

  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    ByteWriter plain(arrow::default_memory_pool());
    std::vector<uint64_t> plain_sizes;
    ARROW_RETURN_NOT_OK(inner_->Encode(first, n, &plain, &plain_sizes));
    std::vector<std::byte> compressed;
    ARROW_RETURN_NOT_OK(compressor_.Compress(plain.view().first(plain_sizes[0]), &compressed));
    chunk->Append(compressed);
    sizes->push_back(compressed.size());
    size_t at = plain_sizes[0];
    for (size_t i = 1; i < plain_sizes.size(); ++i) {
      at = (at + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
      chunk->Pad(kBufferAlignment, kFiller);
      chunk->Append(plain.view().subspan(at, plain_sizes[i]));
      sizes->push_back(plain_sizes[i]);
      at += plain_sizes[i];
    }
    return arrow::Status::OK();
  }

 private:
  const CompressionScheme scheme_;
  mutable GeneralEncoder compressor_;  // of one page, which one thread encodes
  std::unique_ptr<MiniBlockEncoder> inner_;
};

class GeneralValueEncoder final : public PerValueEncoder {
 public:
  GeneralValueEncoder(CompressionScheme scheme, GeneralEncoder compressor, const Wire& plain)
      : compressor_(std::move(compressor)), wire_(GeneralWire(scheme, plain)) {}

  Wire wire() const override { return wire_; }

  arrow::Status Encode(Bytes value, ByteWriter* out) const override {
    ARROW_RETURN_NOT_OK(compressor_.Compress(value, &compressed_));
    out->Append(compressed_);
    return arrow::Status::OK();
  }

 private:
  // Of one page, which one thread encodes.
  mutable GeneralEncoder compressor_;
  mutable std::vector<std::byte> compressed_;
  const Wire wire_;
};

}  // namespace

Wire GeneralWire(CompressionScheme scheme, const Wire& values) {
  Wire wire;
  wire.mutable_general()->mutable_compression()->set_scheme(
      scheme == CompressionScheme::kLz4 ? lance::encodings21::COMPRESSION_ALGORITHM_LZ4
                                        : lance::encodings21::COMPRESSION_ALGORITHM_ZSTD);
  *wire.mutable_general()->mutable_values() = values;
  return wire;
}

arrow::Result<std::unique_ptr<MiniBlockEncoder>> MakeGeneralEncoder(
    CompressionScheme scheme, std::optional<int> level, std::unique_ptr<MiniBlockEncoder> inner) {
  ARROW_ASSIGN_OR_RAISE(auto compressor, GeneralEncoder::Make(scheme, level));
  return std::make_unique<GeneralPageEncoder>(scheme, std::move(compressor), std::move(inner));
}

arrow::Result<std::unique_ptr<PerValueEncoder>> MakeGeneralValueEncoder(CompressionScheme scheme,
                                                                        std::optional<int> level,
                                                                        const Wire& plain) {
  ARROW_ASSIGN_OR_RAISE(auto compressor, GeneralEncoder::Make(scheme, level));
  return std::make_unique<GeneralValueEncoder>(scheme, std::move(compressor), plain);
}

}  // namespace pilum::encoding
