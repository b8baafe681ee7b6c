#include "scan/fuzz.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/util/checked_cast.h>

#include "bytes/byte_reader.h"
#include "scan/batch_read.h"
#include "scan/dataset_reader.h"
#include "scan/live_rows.h"
#include "scan/take.h"

namespace pilum::scan {
namespace {

using arrow::Result;
using arrow::Status;

constexpr uint64_t kMaxRows = 2048;
constexpr size_t kMaxFragments = 4;
constexpr uint64_t kMaxRowBytes = 4096;

// Fixed-size lists can declare rows of any size, which then have to be allocated.
bool RowsAreSmall(const arrow::DataType& type) {
  if (type.id() == arrow::Type::FIXED_SIZE_LIST &&
      arrow::internal::checked_cast<const arrow::FixedSizeListType&>(type).list_size() > 256) {
    return false;
  }
  if (type.id() == arrow::Type::FIXED_SIZE_BINARY &&
      static_cast<uint64_t>(
          arrow::internal::checked_cast<const arrow::FixedSizeBinaryType&>(type).byte_width()) >
          kMaxRowBytes) {
    return false;
  }
  return std::all_of(type.fields().begin(), type.fields().end(),
                     [](const auto& field) { return RowsAreSmall(*field->type()); });
}

void CheckBatch(const Result<std::shared_ptr<arrow::RecordBatch>>& batch) {
  if (!batch.ok()) return;
  const Status status = (*batch)->Validate();
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.ToString().c_str());
    std::abort();
  }
  (void)(*batch)->ValidateFull();  // damaged strings may be no UTF-8
}

Result<dataset::Manifest> ReadInput(std::span<const std::byte> bytes,
                                    std::span<const std::byte>* file) {
  bytes::ByteReader reader(bytes);
  ARROW_ASSIGN_OR_RAISE(uint32_t size, reader.Read<uint32_t>("size of the manifest"));
  ARROW_ASSIGN_OR_RAISE(auto manifest, reader.Take(size, "manifest"));
  *file = bytes.subspan(reader.position());
  return dataset::ParseManifest(manifest, "fuzz");
}

Status ReadFragment(const std::shared_ptr<const DatasetReader>& dataset,
                    const std::shared_ptr<const Projection>& projection, size_t fragment) {
  ARROW_ASSIGN_OR_RAISE(auto deletions, dataset->Deletions(fragment));
  const uint64_t rows = std::min(dataset->fragment(fragment).live_rows(), kMaxRows);
  RowSelection selection;
  selection.fragments.push_back({fragment, LiveRuns(*deletions, 0, rows)});
  selection.num_rows = static_cast<int64_t>(rows);
  ARROW_ASSIGN_OR_RAISE(auto read, BatchRead::Make(dataset, projection, std::move(selection)));
  CheckBatch(read->Run());
  return Status::OK();
}

}  // namespace

void FuzzTable(std::span<const std::byte> bytes) {
  std::span<const std::byte> file;
  auto parsed = ReadInput(bytes, &file);
  if (!parsed.ok() || !parsed->base_paths.empty() ||
      !RowsAreSmall(*arrow::struct_(parsed->schema.arrow->fields()))) {
    return;
  }
  std::shared_ptr<ObjectStore> store = MakeMemoryStore();
  auto& fragments = parsed->fragments;
  dataset::FragmentList few;
  for (size_t i = 0; i < std::min(fragments.size(), kMaxFragments); ++i)
    few.push_back(fragments.shared(i));
  fragments = std::move(few);
  for (const auto& fragment : fragments) {
    for (const auto& data_file : fragment.files) {
      if (!store->Put("data/" + data_file.path, file).ok()) return;
    }
  }
  auto dataset = std::make_shared<const DatasetReader>(
      store, store, std::make_shared<const dataset::Manifest>(*std::move(parsed)),
      std::make_shared<FileCache>(1 << 20));
  auto projection = std::make_shared<Projection>(Projection::All(dataset->manifest().schema));
  projection->AddRowColumn(ProjectedColumn::Kind::kRowId);
  for (size_t i = 0; i < dataset->num_fragments(); ++i) (void)ReadFragment(dataset, projection, i);
  std::vector<uint64_t> keys;
  for (uint64_t row = 0; row < std::min(dataset->live_rows(), kMaxRows); row += 7)
    keys.push_back(row);
  std::reverse(keys.begin(), keys.end());
  if (!keys.empty()) keys.push_back(keys.front());
  CheckBatch(TakeRows(dataset, projection, keys, RowKey::kOffset));
}

}  // namespace pilum::scan
