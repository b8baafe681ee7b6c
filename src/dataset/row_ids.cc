#include <algorithm>
#include <string>
#include <utility>

#include "bytes/byte_reader.h"
#include "dataset/fragment_rows.h"
#include "lance/parse_message.h"
#include "lance/table.pb.h"
#include "pilum/error.h"

namespace pilum::dataset {

/// Collects the ids of a fragment, never more than its rows.
class RowIdsBuilder {
 public:
  explicit RowIdsBuilder(uint64_t physical_rows)
      : physical_rows_(physical_rows), ids_(std::make_shared<RowIds>()) {}

  /// Appends `count` ids from `first` on; first + count does not overflow.
  arrow::Status Append(uint64_t first, uint64_t count) {
    if (count > physical_rows_ - ids_->size_) {
      return bytes::Corrupt("there are more row ids than the " + std::to_string(physical_rows_) +
                            " rows of the fragment");
    }
    if (run_count_ > 0 && first == run_first_ + run_count_) {
      run_count_ += count;
    } else {
      FlushRun();
      run_first_ = first;
      run_count_ = count;
    }
    ids_->size_ += count;
    return arrow::Status::OK();
  }

  arrow::Result<std::shared_ptr<const RowIds>> Finish() {
    FlushRun();
    if (ids_->size_ != physical_rows_) {
      return bytes::Corrupt("there are " + std::to_string(ids_->size_) + " row ids for the " +
                            std::to_string(physical_rows_) + " rows of the fragment");
    }
    return std::move(ids_);
  }

 private:
  /// Below this length ids take less memory than a segment.
  static constexpr uint64_t kMinRange = 4;

  void FlushRun() {
    if (run_count_ == 0) return;
    const uint64_t start = ids_->size_ - run_count_;
    auto& segments = ids_->segments_;
    if (run_count_ >= kMinRange) {
      segments.push_back({start, run_first_, true});
    } else {
      if (segments.empty() || segments.back().is_range) {
        segments.push_back({start, ids_->ids_.size(), false});
      }
      for (uint64_t i = 0; i < run_count_; ++i) ids_->ids_.push_back(run_first_ + i);
    }
    run_count_ = 0;
  }

  const uint64_t physical_rows_;
  std::shared_ptr<RowIds> ids_;
  // The last run of consecutive ids: counted in ids_->size_, not stored yet.
  uint64_t run_first_ = 0;
  uint64_t run_count_ = 0;
};

namespace {

using bytes::Corrupt;
using lance::table::EncodedU64Array;
using lance::table::U64Segment;

/// The values of an array, read in place.
class ArrayView {
 public:
  static arrow::Result<ArrayView> Make(const EncodedU64Array& array) {
    switch (array.array_case()) {
      case EncodedU64Array::kU16Array:
        return Make(array.u16_array().offsets(), 2, array.u16_array().base());
      case EncodedU64Array::kU32Array:
        return Make(array.u32_array().offsets(), 4, array.u32_array().base());
      case EncodedU64Array::kU64Array:
        return Make(array.u64_array().values(), 8, 0);
      case EncodedU64Array::ARRAY_NOT_SET:
        break;
    }
    return Corrupt("an array of row ids is of no known kind");
  }

  size_t size() const { return encoded_.size() / width_; }

  uint64_t operator[](size_t i) const {
    const auto* at = reinterpret_cast<const std::byte*>(encoded_.data()) + i * width_;
    if (width_ == 2) return base_ + bytes::Load<uint16_t>(at);
    if (width_ == 4) return base_ + bytes::Load<uint32_t>(at);
    return bytes::Load<uint64_t>(at);
  }

 private:
  ArrayView(std::string_view encoded, size_t width, uint64_t base)
      : encoded_(encoded), width_(width), base_(base) {}

  static arrow::Result<ArrayView> Make(const std::string& encoded, size_t width, uint64_t base) {
    if (encoded.size() % width != 0) {
      return Corrupt("an array of row ids of " + std::to_string(width) + " bytes each has " +
                     std::to_string(encoded.size()) + " bytes");
    }
    if (width < 8 && base > UINT64_MAX - UINT32_MAX) {
      return Corrupt("the base of an array of row ids is too large: " + std::to_string(base));
    }
    return ArrayView(encoded, width, base);
  }

  std::string_view encoded_;
  size_t width_;
  uint64_t base_;
};

arrow::Status CheckRange(uint64_t start, uint64_t end) {
  if (start <= end) return arrow::Status::OK();
  return Corrupt("a range of row ids ends at " + std::to_string(end) + ", before its start " +
                 std::to_string(start));
}

arrow::Status AppendRange(const U64Segment::Range& range, RowIdsBuilder* builder) {
  ARROW_RETURN_NOT_OK(CheckRange(range.start(), range.end()));
  return builder->Append(range.start(), range.end() - range.start());
}

arrow::Status AppendRangeWithHoles(const U64Segment::RangeWithHoles& range,
                                   RowIdsBuilder* builder) {
  ARROW_RETURN_NOT_OK(CheckRange(range.start(), range.end()));
  ARROW_ASSIGN_OR_RAISE(ArrayView holes, ArrayView::Make(range.holes()));
  uint64_t next = range.start();
  for (size_t i = 0; i < holes.size(); ++i) {
    if (holes[i] < next || holes[i] >= range.end()) {
      return Corrupt("the holes of a range of row ids are not sorted or lie outside of it");
    }
    ARROW_RETURN_NOT_OK(builder->Append(next, holes[i] - next));
    next = holes[i] + 1;
  }
  return builder->Append(next, range.end() - next);
}

arrow::Status AppendRangeWithBitmap(const U64Segment::RangeWithBitmap& range,
                                    RowIdsBuilder* builder) {
  ARROW_RETURN_NOT_OK(CheckRange(range.start(), range.end()));
  const uint64_t span = range.end() - range.start();
  const std::string& bitmap = range.bitmap();
  if (bitmap.size() != span / 8 + (span % 8 != 0)) {
    return Corrupt("the bitmap of a range of " + std::to_string(span) + " row ids has " +
                   std::to_string(bitmap.size()) + " bytes");
  }
  for (size_t i = 0; i < bitmap.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      if ((static_cast<uint8_t>(bitmap[i]) >> bit & 1) == 0) continue;
      if (i * 8 + bit >= span) return Corrupt("the bitmap of row ids goes past its range");
      ARROW_RETURN_NOT_OK(builder->Append(range.start() + i * 8 + bit, 1));
    }
  }
  return arrow::Status::OK();
}

arrow::Status AppendArray(const EncodedU64Array& array, bool sorted, RowIdsBuilder* builder) {
  ARROW_ASSIGN_OR_RAISE(ArrayView ids, ArrayView::Make(array));
  for (size_t i = 0; i < ids.size(); ++i) {
    if (sorted && i > 0 && ids[i] <= ids[i - 1]) {
      return Corrupt("a sorted array of row ids is not sorted");
    }
    if (ids[i] == UINT64_MAX) return Corrupt("the largest number is no row id");
    ARROW_RETURN_NOT_OK(builder->Append(ids[i], 1));
  }
  return arrow::Status::OK();
}

arrow::Status AppendSegment(const U64Segment& segment, RowIdsBuilder* builder) {
  switch (segment.segment_case()) {
    case U64Segment::kRange:
      return AppendRange(segment.range(), builder);
    case U64Segment::kRangeWithHoles:
      return AppendRangeWithHoles(segment.range_with_holes(), builder);
    case U64Segment::kRangeWithBitmap:
      return AppendRangeWithBitmap(segment.range_with_bitmap(), builder);
    case U64Segment::kSortedArray:
      return AppendArray(segment.sorted_array(), true, builder);
    case U64Segment::kArray:
      return AppendArray(segment.array(), false, builder);
    case U64Segment::SEGMENT_NOT_SET:
      break;
  }
  return MakeError(ErrorKind::kUnsupported,
                   "the row ids are written in a form that is not known; use a newer version of "
                   "pilum");
}

}  // namespace

arrow::Result<std::shared_ptr<const RowIds>> RowIds::Parse(std::string_view bytes,
                                                           uint64_t physical_rows) {
  ARROW_ASSIGN_OR_RAISE(auto sequence,
                        lance::ParseMessage<lance::table::RowIdSequence>(bytes, "row id sequence"));
  RowIdsBuilder builder(physical_rows);
  for (const U64Segment& segment : sequence.segments()) {
    ARROW_RETURN_NOT_OK(AppendSegment(segment, &builder));
  }
  return builder.Finish();
}

uint64_t RowIds::at(uint64_t offset) const {
  auto after =
      std::upper_bound(segments_.begin(), segments_.end(), offset,
                       [](uint64_t row, const Segment& segment) { return row < segment.start; });
  const Segment& segment = *std::prev(after);
  uint64_t place = segment.first + (offset - segment.start);
  return segment.is_range ? place : ids_[place];
}

std::optional<uint64_t> RowIds::Find(uint64_t id) const {
  for (size_t i = 0; i < segments_.size(); ++i) {
    const Segment& segment = segments_[i];
    const uint64_t count = EndOf(i) - segment.start;
    if (segment.is_range) {
      if (id >= segment.first && id - segment.first < count) {
        return segment.start + (id - segment.first);
      }
      continue;
    }
    auto begin = ids_.begin() + static_cast<std::ptrdiff_t>(segment.first);
    auto found = std::find(begin, begin + static_cast<std::ptrdiff_t>(count), id);
    if (found != begin + static_cast<std::ptrdiff_t>(count)) {
      return segment.start + static_cast<uint64_t>(found - begin);
    }
  }
  return std::nullopt;
}

}  // namespace pilum::dataset
