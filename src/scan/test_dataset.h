// Support of this folder's tests: the tables in tests/data/golden.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <arrow/api.h>
#include <arrow/extension_type.h>
#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>

#include "dataset/manifest.h"
#include "pilum/storage.h"
#include "scan/dataset_reader.h"
#include "scan/scan_stream.h"

namespace pilum::scan {

inline std::string GoldenFolder(const std::string& name) {
  return std::string(PILUM_GOLDEN) + "/" + name;
}

/// The latest version of a golden table, read through `store`.
inline std::shared_ptr<const DatasetReader> OpenGolden(std::shared_ptr<ObjectStore> store) {
  auto manifest = dataset::ReadManifest(*store, {}).ValueOrDie();
  return std::make_shared<const DatasetReader>(store, store, std::move(manifest),
                                               std::make_shared<FileCache>(64 << 20));
}

inline std::shared_ptr<ObjectStore> GoldenStore(const std::string& name) {
  return OpenLocalStore(GoldenFolder(name) + "/dataset.lance").ValueOrDie();
}

/// What it holds: all columns, then _rowid and _rowaddr.
inline std::shared_ptr<arrow::Table> ExpectedGolden(const std::string& name) {
  auto file = arrow::io::ReadableFile::Open(GoldenFolder(name) + "/expected.arrow").ValueOrDie();
  return arrow::ipc::RecordBatchFileReader::Open(file).ValueOrDie()->ToTable().ValueOrDie();
}

/// A plan for all columns, _rowid and _rowaddr of all fragments.
inline ScanPlan FullPlan(const std::shared_ptr<const DatasetReader>& dataset) {
  ScanPlan plan;
  plan.dataset = dataset;
  auto projection = std::make_shared<Projection>(Projection::All(dataset->manifest().schema));
  projection->AddRowColumn(ProjectedColumn::Kind::kRowId);
  projection->AddRowColumn(ProjectedColumn::Kind::kRowAddress);
  plan.schema = projection->schema;
  plan.projection = std::move(projection);
  for (size_t i = 0; i < dataset->num_fragments(); ++i) plan.fragments.push_back(i);
  plan.readahead_bytes = 8 << 20;
  return plan;
}

/// A plan for _rowaddr alone, which says exactly which rows came.
inline ScanPlan AddressPlan(const std::shared_ptr<const DatasetReader>& dataset) {
  ScanPlan plan = FullPlan(dataset);
  plan.projection = std::make_shared<Projection>(
      Projection::Make(dataset->manifest().schema, {kRowAddress}).ValueOrDie());
  plan.schema = plan.projection->schema;
  return plan;
}

}  // namespace pilum::scan
