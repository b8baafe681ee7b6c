#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include "pilum/stream.h"
#include "rows/row_set.h"

namespace pilum {

namespace {

constexpr char kRowOffset[] = "_rowoffset";

}  // namespace

struct EpochRows::Matching {
  rows::RowSet offsets;
};

arrow::Result<EpochRows> EpochRows::Find(std::shared_ptr<const Snapshot> snapshot,
                                         const std::vector<std::string>& filter) {
  if (filter.empty()) {
    ARROW_ASSIGN_OR_RAISE(const uint64_t count, snapshot->CountRows());
    return EpochRows(std::move(snapshot), count, nullptr);
  }
  ScanOptions scan{.columns = {.names = {{kRowOffset}}}, .filter = filter};
  ARROW_ASSIGN_OR_RAISE(auto stream, snapshot->Scan(scan));
  rows::RowSet::Builder builder;
  ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const arrow::RecordBatch& batch) {
    const auto& offsets = static_cast<const arrow::UInt64Array&>(*batch.column(0));
    builder.Add({offsets.raw_values(), static_cast<size_t>(offsets.length())});
    return arrow::Status::OK();
  }));
  auto matching = std::make_shared<const Matching>(builder.Finish());
  return EpochRows(std::move(snapshot), matching->offsets.size(), matching);
}

uint64_t EpochRows::OffsetAt(uint64_t rank) const {
  return matching_ ? matching_->offsets.RowAt(rank) : rank;
}

std::optional<uint64_t> EpochRows::RankOf(uint64_t offset) const {
  if (matching_) return matching_->offsets.RankOf(offset);
  return offset < size_ ? std::optional(offset) : std::nullopt;
}

}  // namespace pilum
