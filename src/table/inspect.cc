#include "table/inspect.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "file/page_summary.h"

namespace pilum::table {
namespace {

using arrow::Status;

using Reports = std::vector<ColumnReport>;

Status AddColumn(const scan::DatasetReader& dataset, size_t fragment, const dataset::Field& field,
                 const std::string& path, ColumnReport* report) {
  ARROW_ASSIGN_OR_RAISE(auto source, dataset.FindColumn(fragment, field.id));
  if (!source.file) return Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto pages, file::SummarizePages(*source.file, source.column));
  report->path = path;
  report->type = field.arrow->type()->ToString();
  report->rows += dataset.fragment(fragment).physical_rows;
  for (const auto& page : pages) {
    ++report->pages;
    report->stored_bytes += page.stored_bytes;
    auto known = std::find_if(report->encodings.begin(), report->encodings.end(),
                              [&](const auto& e) { return e.description == page.description; });
    if (known == report->encodings.end())
      known = report->encodings.insert(known, {page.description, 0, 0});
    ++known->pages;
    known->stored_bytes += page.stored_bytes;
  }
  return Status::OK();
}

Status AddField(const scan::DatasetReader& dataset, const dataset::Field& field,
                const std::string& path, Reports* reports) {
  ColumnReport report;
  for (size_t i = 0; i < dataset.num_fragments(); ++i) {
    ARROW_RETURN_NOT_OK(AddColumn(dataset, i, field, path, &report));
  }
  if (!report.path.empty()) reports->push_back(std::move(report));
  if (field.kind == dataset::FieldKind::kBlobV2) return Status::OK();
  for (const auto& child : field.children)
    ARROW_RETURN_NOT_OK(AddField(dataset, child, path + "." + child.name, reports));
  return Status::OK();
}

}  // namespace

arrow::Result<std::vector<ColumnReport>> InspectColumns(const scan::DatasetReader& dataset) {
  Reports reports;
  for (const auto& field : dataset.manifest().schema.fields) {
    ARROW_RETURN_NOT_OK(AddField(dataset, field, field.name, &reports));
  }
  return reports;
}

}  // namespace pilum::table
