#include "encoding/fixed_size_list/fixed_size_list.h"

#include <string>
#include <utility>

namespace pilum::encoding {
namespace {

constexpr size_t kMaxLevels = 8;
constexpr uint64_t kMaxItems = uint64_t{1} << 28;

class FixedSizeListMiniBlock final : public MiniBlockDecoder {
 public:
  FixedSizeListMiniBlock(ListLevels levels, std::unique_ptr<MiniBlockDecoder> items)
      : levels_(std::move(levels)), items_(std::move(items)) {
    for (uint64_t size : levels_.sizes) items_per_value_ *= size;
    for (bool has : levels_.has_validity) bitmaps_ += has;
  }

  ValueShape shape() const override {
    return {.bits = items_->shape().bits * items_per_value_, .list_sizes = levels_.sizes};
  }
  uint64_t num_buffers() const override { return bitmaps_ + items_->num_buffers(); }
  std::optional<bytes::ByteRange> PointRange(uint64_t size, uint64_t i, uint64_t n) const override {
    if (bitmaps_ > 0) return std::nullopt;
    return items_->PointRange(size, i * items_per_value_, n * items_per_value_);
  }
  arrow::Result<Values> DecodePoints(Bytes bytes, uint64_t size, uint64_t i, uint64_t n,
                                     Arena* arena) const override {
    ARROW_ASSIGN_OR_RAISE(Values values, items_->DecodePoints(bytes, size, i * items_per_value_,
                                                              n * items_per_value_, arena));
    values.item_validity.resize(levels_.sizes.size());
    return values;
  }

  arrow::Result<Values> Decode(std::span<const Bytes> buffers, uint32_t n, std::byte* into,
                               Arena* arena) const override {
    if (n > UINT32_MAX / items_per_value_)
      return bytes::Corrupt("too many list items in one chunk");
    ARROW_ASSIGN_OR_RAISE(Values values,
                          items_->Decode(buffers.subspan(bitmaps_),
                                         n * static_cast<uint32_t>(items_per_value_), into, arena));
    uint64_t items = n;
    size_t buffer = 0;
    for (size_t level = 0; level < levels_.sizes.size(); ++level) {
      items *= levels_.sizes[level];
      Bytes bitmap;
      if (levels_.has_validity[level]) {
        bitmap = buffers[buffer++];
        if (bitmap.size() < (items + 7) / 8) {
          return bytes::Truncated("item validity", 0, (items + 7) / 8, bitmap.size());
        }
      }
      values.item_validity.push_back(bitmap);
    }
    return values;
  }

 private:
  ListLevels levels_;
  std::unique_ptr<MiniBlockDecoder> items_;
  uint64_t items_per_value_ = 1;
  uint64_t bitmaps_ = 0;
};

arrow::Result<std::unique_ptr<MiniBlockDecoder>> MakeMiniBlock(const Wire& wire, int depth) {
  ARROW_ASSIGN_OR_RAISE(ListLevels levels, ReadListLevels(wire));
  ARROW_ASSIGN_OR_RAISE(auto items, MakeMiniBlockDecoder(*levels.items, depth + 1));
  if (items->shape().variable) return bytes::Corrupt("fixed-size list of variable-width items");
  if (!items->shape().list_sizes.empty())
    return bytes::Corrupt("fixed-size lists inside a compressed item");
  return std::make_unique<FixedSizeListMiniBlock>(std::move(levels), std::move(items));
}

}  // namespace

arrow::Result<ListLevels> ReadListLevels(const Wire& wire) {
  ListLevels levels;
  uint64_t items = 1;
  const Wire* at = &wire;
  while (at->compression_case() == Wire::kFixedSizeList) {
    const auto& list = at->fixed_size_list();
    if (list.items_per_value() == 0 || list.items_per_value() > kMaxItems / items ||
        levels.sizes.size() == kMaxLevels) {
      return bytes::Corrupt("fixed-size list of " + std::to_string(list.items_per_value()) +
                            " items at level " + std::to_string(levels.sizes.size()));
    }
    items *= list.items_per_value();
    levels.sizes.push_back(list.items_per_value());
    levels.has_validity.push_back(list.has_validity());
    at = &list.values();
  }
  levels.items = at;
  return levels;
}

const Codec kFixedSizeList = {
    .name = "fixed-size list", .wire_case = Wire::kFixedSizeList, .mini_block = MakeMiniBlock};

}  // namespace pilum::encoding
