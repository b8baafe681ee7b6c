#include "pilum/lineage.h"

#include <algorithm>
#include <utility>

#include <arrow/array/array_primitive.h>
#include <arrow/record_batch.h>

#include "order/epoch_sequence.h"
#include "order/hash.h"
#include "pilum/runtime.h"
#include "stream/epoch_plan.h"

namespace pilum {
namespace {

using arrow::Result;

constexpr uint64_t kRowsAtOnce = 1 << 16;

/// A number that the snapshot has for rows, of rows with the keys given.
Result<std::vector<uint64_t>> LookUp(const Snapshot& snapshot, std::span<const uint64_t> keys,
                                     RowKey key, const char* wanted) {
  ARROW_ASSIGN_OR_RAISE(auto batch, snapshot.Take(keys, key, {.names = {{wanted}}}));
  const auto& numbers = static_cast<const arrow::UInt64Array&>(*batch->column(0));
  return std::vector<uint64_t>(numbers.raw_values(), numbers.raw_values() + numbers.length());
}

}  // namespace

void RowDigest::Add(std::span<const uint64_t> row_ids) {
  rows += row_ids.size();
  for (uint64_t id : row_ids) sum += order::SplitMix64(id).Next();
}

struct EpochOrder::Order {
  EpochRows rows;
  order::EpochSequence sequence;
};

Result<EpochOrder> EpochOrder::Make(const EpochRows& rows, const EpochOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto plan, stream::EpochPlan::Make(rows, options, std::nullopt));
  return EpochOrder(std::make_shared<const Order>(Order{rows, std::move(plan.sequence)}));
}

uint64_t EpochOrder::num_samples() const { return order_->sequence.size(); }

Result<std::vector<uint64_t>> EpochOrder::RowIds(uint64_t first, uint64_t count) const {
  first = std::min(first, num_samples());
  std::vector<uint64_t> offsets(std::min(count, num_samples() - first));
  for (uint64_t& offset : offsets) offset = order_->rows.OffsetAt(order_->sequence.RowAt(first++));
  if (offsets.empty()) return offsets;
  return LookUp(order_->rows.snapshot(), offsets, RowKey::kOffset, "_rowid");
}

Result<std::optional<uint64_t>> EpochOrder::SampleOf(uint64_t row_id) const {
  ARROW_ASSIGN_OR_RAISE(auto offset,
                        LookUp(order_->rows.snapshot(), {{row_id}}, RowKey::kRowId, "_rowoffset"));
  const auto rank = order_->rows.RankOf(offset.at(0));
  return rank ? order_->sequence.SampleOf(*rank) : std::nullopt;
}

Result<RowDigest> EpochOrder::Digest(uint64_t first, uint64_t count) const {
  RowDigest digest;
  while (true) {
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    ARROW_ASSIGN_OR_RAISE(auto ids,
                          RowIds(first + digest.rows, std::min(count - digest.rows, kRowsAtOnce)));
    if (ids.empty()) return digest;
    digest.Add(ids);
  }
}

}  // namespace pilum
