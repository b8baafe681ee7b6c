#include "dataset/row_ids_write.h"

#include <algorithm>

namespace pilum::dataset {
namespace {

/// From this length on a range takes less room than its ids in an array of the widest kind.
constexpr uint64_t kMinRange = 8;

/// Numbers above `base`, `Width` being wide enough for them.
template <typename Width>
std::string Offsets(const std::vector<uint64_t>& ids, uint64_t base) {
  std::vector<Width> offsets(ids.size());
  std::transform(ids.begin(), ids.end(), offsets.begin(),
                 [&](uint64_t id) { return static_cast<Width>(id - base); });
  return {reinterpret_cast<const char*>(offsets.data()), offsets.size() * sizeof(Width)};
}

void SetArray(const std::vector<uint64_t>& ids, lance::table::EncodedU64Array* array) {
  const auto [least, most] = std::minmax_element(ids.begin(), ids.end());
  if (*most - *least <= UINT16_MAX) {
    array->mutable_u16_array()->set_base(*least);
    array->mutable_u16_array()->set_offsets(Offsets<uint16_t>(ids, *least));
  } else if (*most - *least <= UINT32_MAX) {
    array->mutable_u32_array()->set_base(*least);
    array->mutable_u32_array()->set_offsets(Offsets<uint32_t>(ids, *least));
  } else {
    array->mutable_u64_array()->set_values(Offsets<uint64_t>(ids, 0));
  }
}

}  // namespace

void RowIdsWriter::Append(uint64_t first, uint64_t count) {
  if (count_ > 0 && first == first_ + count_) {
    count_ += count;
    return;
  }
  FlushRun();
  first_ = first;
  count_ = count;
}

void RowIdsWriter::FlushRun() {
  if (count_ >= kMinRange) {
    FlushArray();
    auto* range = sequence_.add_segments()->mutable_range();
    range->set_start(first_);
    range->set_end(first_ + count_);
  } else {
    for (uint64_t i = 0; i < count_; ++i) array_.push_back(first_ + i);
  }
  count_ = 0;
}

void RowIdsWriter::FlushArray() {
  if (array_.empty()) return;
  auto* segment = sequence_.add_segments();
  const bool ascending =
      std::adjacent_find(array_.begin(), array_.end(), std::greater_equal<>()) == array_.end();
  SetArray(array_, ascending ? segment->mutable_sorted_array() : segment->mutable_array());
  array_.clear();
}

std::string RowIdsWriter::Finish() {
  // A fragment that is one run is a range, as short as it may be.
  if (sequence_.segments_size() == 0 && array_.empty() && count_ > 0) {
    auto* range = sequence_.add_segments()->mutable_range();
    range->set_start(first_);
    range->set_end(first_ + count_);
  } else {
    FlushRun();
    FlushArray();
  }
  return sequence_.SerializeAsString();
}

void RowVersionsWriter::Append(uint64_t version, uint64_t count) {
  const int last = sequence_.runs_size() - 1;
  if (last >= 0 && sequence_.runs(last).version() == version) {
    auto* range = sequence_.mutable_runs(last)->mutable_span()->mutable_range();
    range->set_end(range->end() + count);
    return;
  }
  auto* run = sequence_.add_runs();
  run->mutable_span()->mutable_range()->set_end(count);
  run->set_version(version);
}

std::string RowVersionsWriter::Finish() { return sequence_.SerializeAsString(); }

}  // namespace pilum::dataset
