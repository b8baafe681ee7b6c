#include "table/verify.h"

#include <algorithm>
#include <string>
#include <utility>

#include <arrow/util/byte_size.h>

#include "pilum/error.h"
#include "scan/batch_read.h"
#include "scan/projection.h"
#include "scan/row_size.h"

namespace pilum::table {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kStepBytes = 16 << 20;

Damage ToDamage(const dataset::Fragment& fragment, const std::string& column,
                const Status& status) {
  Damage damage{.fragment = fragment.id, .column = column, .message = status.message()};
  if (auto detail = GetErrorDetail(status)) {
    damage.file = detail->where().path;
    if (!detail->where().column.empty()) damage.column = detail->where().column;
    if (detail->where().offset)
      damage.message += " (byte " + std::to_string(*detail->where().offset) + ")";
  }
  return damage;
}

// Whether an error tells of what is stored, rather than of the attempt to read it.
bool IsDamage(const Status& status) {
  switch (GetErrorKind(status)) {
    case ErrorKind::kCorruptData:
    case ErrorKind::kNotFound:
    case ErrorKind::kUnsupported:
      return true;
    default:
      return false;
  }
}

// All physical rows of one column of a fragment, in steps of bounded size. Full validation makes
// Arrow check what the decoders promise: offsets, UTF-8, lengths of children.
Status VerifyColumn(const std::shared_ptr<const scan::DatasetReader>& dataset, size_t fragment,
                    const std::shared_ptr<const scan::Projection>& column,
                    const VerifyProgress& progress, uint64_t* done, uint64_t total,
                    VerifyReport* report) {
  scan::UnitSizer steps(scan::EstimateRowSize(*dataset, *column, fragment), kStepBytes);
  const uint64_t rows = dataset->fragment(fragment).physical_rows;
  uint64_t count = 0;
  for (uint64_t row = 0; row < rows; row += count) {
    count = std::min(steps.UnitRows(*dataset, *column, fragment), rows - row);
    if (progress && !progress(*done + row, total))
      return MakeError(ErrorKind::kCancelled, "the verification was stopped");
    scan::RowSelection selection;
    selection.fragments.push_back({fragment, {{row, static_cast<uint32_t>(count), 0}}});
    selection.num_rows = static_cast<int64_t>(count);
    ARROW_ASSIGN_OR_RAISE(auto read, scan::BatchRead::Make(dataset, column, std::move(selection)));
    ARROW_ASSIGN_OR_RAISE(auto batch, read->Run());
    Status valid = batch->ValidateFull();
    if (!valid.ok()) {
      return MakeError(ErrorKind::kCorruptData, "rows " + std::to_string(row) + " to " +
                                                    std::to_string(row + count - 1) + ": " +
                                                    valid.message());
    }
    const auto bytes = static_cast<uint64_t>(arrow::util::TotalBufferSize(*batch));
    report->decoded_bytes += bytes;
    steps.Observe(fragment, count, bytes);
  }
  return Status::OK();
}

// Deletion file and row ids of a fragment, which reading its columns does not touch.
Status VerifyRows(const scan::DatasetReader& dataset, size_t fragment) {
  ARROW_RETURN_NOT_OK(dataset.Deletions(fragment).status());
  return dataset.RowIds(fragment).status();
}

}  // namespace

Result<VerifyReport> VerifyVersion(const std::shared_ptr<const scan::DatasetReader>& dataset,
                                   const VerifyProgress& progress) {
  VerifyReport report;
  const auto& schema = dataset->manifest().schema;
  uint64_t total = 0;  // rows times columns
  for (const auto& fragment : dataset->manifest().fragments)
    total += fragment.physical_rows * schema.fields.size();
  uint64_t done = 0;
  for (size_t i = 0; i < dataset->num_fragments(); ++i) {
    const auto& fragment = dataset->fragment(i);
    ++report.fragments;
    report.files += fragment.files.size();
    report.rows += fragment.live_rows();
    Status rows = VerifyRows(*dataset, i);
    if (!rows.ok() && !IsDamage(rows)) return rows;
    if (!rows.ok()) report.damages.push_back(ToDamage(fragment, "", rows));
    for (const auto& field : schema.fields) {
      ARROW_ASSIGN_OR_RAISE(auto projection, scan::Projection::Make(schema, {field.name}));
      Status status =
          VerifyColumn(dataset, i, std::make_shared<scan::Projection>(std::move(projection)),
                       progress, &done, total, &report);
      if (!status.ok() && !IsDamage(status)) return status;
      if (!status.ok()) report.damages.push_back(ToDamage(fragment, field.name, status));
      done += fragment.physical_rows;
    }
  }
  if (progress) progress(total, total);
  if (dataset->manifest().stable_row_ids) {
    Status index = dataset->IndexOfRowIds().status();
    if (!index.ok() && !IsDamage(index)) return index;
    if (!index.ok()) report.damages.push_back({.message = index.message()});
  }
  return report;
}

}  // namespace pilum::table
