#include "encoding/page_layout/blob_page.h"

#include <string>
#include <utility>

#include "pilum/error.h"

namespace pilum::encoding {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kDescriptorBytes = 16;

class BlobPage final : public PageLayout {
 public:
  BlobPage(std::unique_ptr<PageLayout> descriptors, PageLevels levels)
      : descriptors_(std::move(descriptors)), levels_(std::move(levels)) {}

  void IndexRanges(std::vector<ByteRange>* ranges) const override {
    descriptors_->IndexRanges(ranges);
  }
  Result<std::shared_ptr<const PageIndex>> ParseIndex(
      std::span<const Bytes> fetched) const override {
    return descriptors_->ParseIndex(fetched);
  }
  Status Plan(const PageIndex& index, std::span<const Run> runs,
              std::vector<PlannedRead>* reads) const override {
    return descriptors_->Plan(index, runs, reads);
  }
  Status Decode(const PageIndex& index, std::span<const Run> runs,
                std::span<const PlannedRead> reads, std::span<const Bytes> fetched, Arena* arena,
                LeafBuilder* builder) const override;

 private:
  Result<std::vector<uint16_t>> LevelsOf(Bytes descriptors) const;

  std::unique_ptr<PageLayout> descriptors_;
  PageLevels levels_;
};

Result<std::vector<uint16_t>> BlobPage::LevelsOf(Bytes descriptors) const {
  std::vector<uint16_t> levels(descriptors.size() / kDescriptorBytes);
  for (size_t i = 0; i < levels.size(); ++i) {
    const auto position = bytes::Load<uint64_t>(descriptors.data() + i * kDescriptorBytes);
    const auto size = bytes::Load<uint64_t>(descriptors.data() + i * kDescriptorBytes + 8);
    if (size > 0 || position == 0) continue;
    const uint64_t level = position >> 16;
    if (level == 0 || level > levels_.max_def() || (position & 0xffff) != 0) {
      return bytes::Corrupt("a blob without a value has the levels " + std::to_string(position));
    }
    levels[i] = static_cast<uint16_t>(level);
  }
  return levels;
}

Status BlobPage::Decode(const PageIndex& index, std::span<const Run> runs,
                        std::span<const PlannedRead> reads, std::span<const Bytes> fetched,
                        Arena* arena, LeafBuilder* builder) const {
  std::vector<Run> rows(runs.begin(), runs.end());
  int64_t total = 0;
  for (Run& run : rows) {
    run.slot = total;
    total += run.count;
  }
  ARROW_ASSIGN_OR_RAISE(
      auto flat, LeafBuilder::MakeFlat(builder->type(), total, /*in_order=*/true, builder->pool()));
  ARROW_RETURN_NOT_OK(descriptors_->Decode(index, rows, reads, fetched, arena, flat.get()));
  ARROW_ASSIGN_OR_RAISE(LeafData data, flat->Finish());
  if (data.null_count > 0) return bytes::Corrupt("blob descriptors that are null");
  const Bytes descriptors(reinterpret_cast<const std::byte*>(data.values->data()),
                          static_cast<size_t>(total) * kDescriptorBytes);
  ARROW_ASSIGN_OR_RAISE(const auto levels, LevelsOf(descriptors));
  uint64_t first = 0;
  for (const Run& run : runs) {
    const auto part = std::span(levels).subspan(first, run.count);
    int64_t slot = run.slot;
    if (builder->nested()) {
      ARROW_RETURN_NOT_OK(builder->AppendLevels(levels_, {}, part, run.count));
      ARROW_ASSIGN_OR_RAISE(slot, builder->AppendSlots(run.count));
    } else {
      ARROW_RETURN_NOT_OK(builder->PutValidity(slot, part));
    }
    ARROW_RETURN_NOT_OK(
        builder->Put(slot, Values{.fixed = descriptors}, first, run.count, /*stable=*/false));
    first += run.count;
  }
  return Status::OK();
}

}  // namespace

Result<std::unique_ptr<PageLayout>> MakeBlobPage(const lance::encodings21::BlobLayout& wire,
                                                 const PageLocation& location,
                                                 const LevelScheme& scheme, const LeafType& type) {
  if (!wire.has_inner_layout() || wire.inner_layout().has_blob_layout()) {
    return bytes::Corrupt("blob page without descriptors");
  }
  if (type.shape.variable || type.shape.bits != kDescriptorBytes * 8) {
    return bytes::Corrupt("a blob page in a column of other values");
  }
  if (scheme.num_lists() > 0) {
    return MakeError(ErrorKind::kUnsupported,
                     "blobs inside lists, whose lengths storage version 2.1 does not keep");
  }
  ARROW_ASSIGN_OR_RAISE(PageLevels levels, MapPageLevels(scheme, wire.layers()));
  ARROW_ASSIGN_OR_RAISE(auto descriptors,
                        MakePageLayout(wire.inner_layout(), location, LevelScheme(), type));
  return std::make_unique<BlobPage>(std::move(descriptors), std::move(levels));
}

}  // namespace pilum::encoding
