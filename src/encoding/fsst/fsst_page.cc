#include "encoding/fsst/fsst_page.h"

#include <utility>

#include "encoding/variable/variable_encode.h"

namespace pilum::encoding {
namespace {

class FsstPageEncoder final : public MiniBlockEncoder {
 public:
  FsstPageEncoder(std::unique_ptr<FsstValues> encoded, bool wide)
      : encoded_(std::move(encoded)), inner_(MakeVariableEncoder(encoded_->values(), wide)) {}

  Wire wire() const override { return FsstWire(encoded_->symbol_table(), inner_->wire()); }
  uint32_t ChunkValues(uint64_t first, uint64_t n, uint64_t most) const override {
    return inner_->ChunkValues(first, n, most);
  }
  arrow::Status Encode(uint64_t first, uint32_t n, ByteWriter* chunk,
                       std::vector<uint64_t>* sizes) const override {
    return inner_->Encode(first, n, chunk, sizes);
  }

 private:
  std::unique_ptr<FsstValues> encoded_;
  std::unique_ptr<MiniBlockEncoder> inner_;
};

}  // namespace

Wire FsstWire(const std::string& symbol_table, const Wire& values) {
  Wire wire;
  wire.mutable_fsst()->set_symbol_table(symbol_table);
  *wire.mutable_fsst()->mutable_values() = values;
  return wire;
}

FsstValues::FsstValues(const Values& plain, const FsstEncoder& encoder)
    : symbol_table_(encoder.symbol_table()),
      offsets_(plain.offsets.size()),
      bytes_(new std::byte[FsstEncoder::MaxEncoded(plain.offsets.back() - plain.offsets.front())]) {
  const uint64_t size = encoder.Encode(plain.offsets, plain.bytes, offsets_.data(), bytes_.get());
  values_.offsets = offsets_;
  values_.bytes = {bytes_.get(), size};
}

std::unique_ptr<MiniBlockEncoder> MakeFsstEncoder(std::unique_ptr<FsstValues> encoded, bool wide) {
  return std::make_unique<FsstPageEncoder>(std::move(encoded), wide);
}

}  // namespace pilum::encoding
