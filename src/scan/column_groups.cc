#include "scan/column_groups.h"

#include <algorithm>
#include <utility>

#include <arrow/record_batch.h>

#include "batches/rebatcher.h"
#include "pilum/error.h"
#include "scan/row_size.h"

namespace pilum::scan {
namespace {

using arrow::RecordBatch;
using arrow::Result;
using arrow::Status;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// One in so many bytes that may be ahead is for the small columns.
constexpr uint64_t kSmallShare = 8;

/// In the first fragment.
Result<uint64_t> StoredBytes(const DatasetReader& dataset, const dataset::Field& field) {
  uint64_t bytes = 0;
  ARROW_ASSIGN_OR_RAISE(const file::ColumnSource source, dataset.FindColumn(0, field.id));
  if (source.file) {
    ARROW_ASSIGN_OR_RAISE(const auto metadata, source.file->ReadColumnMetadata(source.column));
    for (const auto& page : metadata.pages()) {
      for (const uint64_t size : page.buffer_sizes()) bytes += size;
    }
  }
  for (const auto& child : field.children) {
    ARROW_ASSIGN_OR_RAISE(const uint64_t more, StoredBytes(dataset, child));
    bytes += more;
  }
  return bytes;
}

/// That a row has in a column, about: as it is stored in the first fragment.
Result<uint64_t> RowBytes(const DatasetReader& dataset, const ProjectedColumn& column) {
  if (column.kind != ProjectedColumn::Kind::kField) return sizeof(uint64_t);
  // Their values are elsewhere, of any size.
  if (EstimateRowSize(dataset, {.columns = {column}}, 0).blobs) return kLargeRow;
  ARROW_ASSIGN_OR_RAISE(const uint64_t bytes, StoredBytes(dataset, column.field));
  return bytes / std::max<uint64_t>(1, dataset.fragment(0).physical_rows);
}

/// The keys of a stream, for two that take them at their own pace.
class SharedKeys {
 public:
  SharedKeys(RowKeys source, uint64_t together) : source_(std::move(source)), together_(together) {}

  /// For one of the two, as the source.
  Status Next(bool large, uint64_t most, std::vector<uint64_t>* out) {
    Waiting& waiting = large ? large_ : small_;
    if (most >= together_) most -= most % together_;
    while (waiting.size() < most && !ended_) Read(most - waiting.size());
    if (waiting.size() == 0) return failure_;
    waiting.MoveTo(most, out);
    return Status::OK();
  }

 private:
  struct Waiting {
    std::vector<uint64_t> keys;
    size_t taken = 0;  // of these

    uint64_t size() const { return keys.size() - taken; }
    void Add(const std::vector<uint64_t>& more) {
      keys.erase(keys.begin(), keys.begin() + static_cast<std::ptrdiff_t>(std::exchange(taken, 0)));
      keys.insert(keys.end(), more.begin(), more.end());
    }
    void MoveTo(uint64_t most, std::vector<uint64_t>* out) {
      const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(taken);
      const auto count = std::min(most, size());
      out->insert(out->end(), begin, begin + static_cast<std::ptrdiff_t>(count));
      taken += count;
    }
  };

  void Read(uint64_t most) {
    std::vector<uint64_t> keys;
    failure_ = source_(most, &keys);
    ended_ = !failure_.ok() || keys.empty();
    large_.Add(keys);
    small_.Add(keys);
  }

  const RowKeys source_;
  const uint64_t together_;
  bool ended_ = false;
  Status failure_;
  Waiting large_;
  Waiting small_;
};

std::shared_ptr<const Projection> Part(const Projection& all, const std::vector<bool>& is_large,
                                       bool large) {
  auto part = std::make_shared<Projection>();
  arrow::FieldVector fields;
  for (size_t i = 0; i < all.columns.size(); ++i) {
    if (is_large[i] != large) continue;
    part->columns.push_back(all.columns[i]);
    fields.push_back(all.schema->field(static_cast<int>(i)));
  }
  part->schema = arrow::schema(std::move(fields));
  return part;
}

class JoinedStream final : public BatchStream {
 public:
  JoinedStream(std::shared_ptr<arrow::Schema> schema, std::vector<bool> is_large,
               std::shared_ptr<BatchStream> large, std::shared_ptr<BatchStream> small)
      : schema_(std::move(schema)),
        is_large_(std::move(is_large)),
        large_(std::move(large)),
        small_(std::move(small)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  bool WaitNext(milliseconds timeout) override {
    const auto deadline = steady_clock::now() + timeout;
    const auto left = [&] {
      const auto time = std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
      return std::max(time, milliseconds(0));
    };
    return large_.WaitUntil([this] { return HasLarge(); }, left()) &&
           small_.WaitUntil([this] { return HasSmall(); }, left());
  }

  Status ReadNext(std::shared_ptr<RecordBatch>* out) override {
    out->reset();
    ARROW_RETURN_NOT_OK(large_.ReadUntil([this] { return HasLarge(); }));
    if (!HasLarge()) return Status::OK();
    ARROW_RETURN_NOT_OK(small_.ReadUntil([this] { return HasSmall(); }));
    const int64_t rows = large_.front_rows();
    if (small_.rows() < rows)
      return MakeError(ErrorKind::kCorruptData, "some columns have fewer rows than others");
    ARROW_ASSIGN_OR_RAISE(const auto large, large_.Take(rows));
    ARROW_ASSIGN_OR_RAISE(const auto small, small_.Take(rows));
    std::vector<std::shared_ptr<arrow::Array>> columns;
    int from_large = 0;
    int from_small = 0;
    for (const bool is_large : is_large_)
      columns.push_back(is_large ? large->column(from_large++) : small->column(from_small++));
    *out = RecordBatch::Make(schema_, rows, std::move(columns));
    return Status::OK();
  }

  Status Close() override {
    ARROW_RETURN_NOT_OK(large_.Close());
    return small_.Close();
  }

 private:
  bool HasLarge() const { return large_.rows() > 0; }
  bool HasSmall() const { return small_.rows() >= large_.front_rows(); }

  const std::shared_ptr<arrow::Schema> schema_;
  const std::vector<bool> is_large_;
  batches::Rebatcher large_;
  batches::Rebatcher small_;
};

ColumnGroups MakeGroups(const TakePlan& plan, std::vector<bool> is_large, uint64_t small_bytes) {
  ColumnGroups groups{plan, plan, std::move(is_large)};
  const auto keys = std::make_shared<SharedKeys>(plan.keys, plan.rows_together);
  for (const bool large : {true, false}) {
    TakePlan& group = large ? groups.large : groups.small;
    group.projection = Part(*plan.projection, groups.is_large, large);
    group.schema = group.projection->schema;
    group.keys = [keys, large](uint64_t most, std::vector<uint64_t>* out) {
      return keys->Next(large, most, out);
    };
  }
  groups.small.row_bytes = small_bytes;
  groups.small.counts_rows = false;
  groups.small.readahead_bytes /= kSmallShare;
  groups.large.readahead_bytes -= groups.small.readahead_bytes;
  return groups;
}

}  // namespace

std::optional<ColumnGroups> SplitBySize(const TakePlan& plan) {
  const DatasetReader& dataset = *plan.dataset;
  if (plan.finish || dataset.num_fragments() == 0 ||
      EstimateRowSize(dataset, *plan.projection, 0).bytes < kLargeRow) {
    return std::nullopt;
  }
  std::vector<bool> is_large;
  bool any_large = false;
  bool any_small = false;  // that is read
  uint64_t small_bytes = 0;
  for (const ProjectedColumn& column : plan.projection->columns) {
    const auto bytes = RowBytes(dataset, column);
    if (!bytes.ok()) return std::nullopt;
    is_large.push_back(*bytes >= kLargeRow);
    any_large |= is_large.back();
    any_small |= !is_large.back() && column.kind == ProjectedColumn::Kind::kField;
    if (!is_large.back()) small_bytes += *bytes;
  }
  if (!any_large || !any_small) return std::nullopt;
  return MakeGroups(plan, std::move(is_large), small_bytes);
}

std::shared_ptr<BatchStream> JoinColumns(std::shared_ptr<arrow::Schema> schema,
                                         std::vector<bool> is_large,
                                         std::shared_ptr<BatchStream> large,
                                         std::shared_ptr<BatchStream> small) {
  return std::make_shared<JoinedStream>(std::move(schema), std::move(is_large), std::move(large),
                                        std::move(small));
}

}  // namespace pilum::scan
