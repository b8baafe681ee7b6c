#include "dataset/moved_rows.h"

#include <algorithm>
#include <bit>
#include <string>
#include <string_view>

#include "bytes/byte_reader.h"
#include "dataset/row_ids_write.h"
#include "lance/parse_message.h"
#include "lance/table.pb.h"

namespace pilum::dataset {
namespace {

using lance::table::EncodedU64Array;
using lance::table::U64Segment;

/// What rows without a record are taken to be from, as the reference library does.
constexpr uint64_t kFirstVersion = 1;

uint64_t CountOf(const EncodedU64Array& array) {
  return array.u16_array().offsets().size() / 2 + array.u32_array().offsets().size() / 4 +
         array.u64_array().values().size() / 8;
}

/// How many values a span has; which ones means nothing.
uint64_t CountOf(const U64Segment& span) {
  const auto& holes = span.range_with_holes();
  uint64_t bits = 0;
  for (const char byte : span.range_with_bitmap().bitmap())
    bits += std::popcount(static_cast<uint8_t>(byte));
  return span.range().end() - span.range().start() + holes.end() - holes.start() -
         CountOf(holes.holes()) + bits + CountOf(span.sorted_array()) + CountOf(span.array());
}

/// The versions of a fragment's rows, to be asked for in the order of the rows.
class RowVersions {
 public:
  static arrow::Result<RowVersions> Parse(std::string_view bytes, uint64_t rows) {
    RowVersions versions;
    if (bytes.empty()) {
      versions.runs_.push_back({rows, kFirstVersion});
      return versions;
    }
    ARROW_ASSIGN_OR_RAISE(auto sequence,
                          lance::ParseMessage<lance::table::RowDatasetVersionSequence>(
                              bytes, "sequence of row versions"));
    uint64_t end = 0;
    for (const auto& run : sequence.runs()) {
      const uint64_t count = CountOf(run.span());
      if (count > rows - end) break;
      end += count;
      versions.runs_.push_back({end, run.version()});
    }
    if (end == rows && versions.runs_.size() == static_cast<size_t>(sequence.runs_size()))
      return versions;
    return bytes::Corrupt("the versions of rows are not of the " + std::to_string(rows) +
                          " rows of the fragment");
  }

  uint64_t At(uint64_t offset) {
    while (runs_[next_].end <= offset) ++next_;
    return runs_[next_].version;
  }

 private:
  struct Run {
    uint64_t end;
    uint64_t version;
  };
  std::vector<Run> runs_;
  size_t next_ = 0;
};

}  // namespace

arrow::Status MovedRows::Add(const Fragment& fragment, const RowIds& ids,
                             std::span<const uint32_t> offsets) {
  ARROW_ASSIGN_OR_RAISE(auto created,
                        RowVersions::Parse(fragment.created_at_versions, fragment.physical_rows));
  ARROW_ASSIGN_OR_RAISE(
      auto updated, RowVersions::Parse(fragment.last_updated_at_versions, fragment.physical_rows));
  for (const uint32_t offset : offsets)
    Append({ids.at(offset), 1, created.At(offset), updated.At(offset)});
  return arrow::Status::OK();
}

void MovedRows::Append(const Run& run) {
  if (!runs_.empty()) {
    Run& last = runs_.back();
    if (last.first_id + last.count == run.first_id && last.created == run.created &&
        last.updated == run.updated) {
      last.count += run.count;
      return;
    }
  }
  runs_.push_back(run);
}

void MovedRows::Name(std::vector<Fragment>* fragments) const {
  auto run = runs_.begin();
  uint64_t used = 0;  // of that run
  for (Fragment& fragment : *fragments) {
    RowIdsWriter ids;
    RowVersionsWriter created, updated;
    for (uint64_t left = fragment.physical_rows; left > 0;) {
      const uint64_t count = std::min(left, run->count - used);
      ids.Append(run->first_id + used, count);
      created.Append(run->created, count);
      updated.Append(run->updated, count);
      left -= count;
      used += count;
      if (used == run->count) {
        ++run;
        used = 0;
      }
    }
    fragment.inline_row_ids = ids.Finish();
    fragment.created_at_versions = created.Finish();
    fragment.last_updated_at_versions = updated.Finish();
  }
}

}  // namespace pilum::dataset
