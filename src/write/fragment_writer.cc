#include "write/fragment_writer.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "dataset/transaction.h"
#include "file/blob.h"
#include "file/file_writer.h"
#include "pilum/error.h"
#include "pilum/runtime.h"
#include "write/conform.h"
#include "write/file_schema.h"

namespace pilum::write {
namespace {

using arrow::Result;
using arrow::Status;

file::FormatVersion FormatOf(dataset::FileVersion version) {
  switch (version) {
    case dataset::FileVersion::kV2_0:
      return file::FormatVersion::kV2_0;
    case dataset::FileVersion::kV2_1:
      return file::FormatVersion::kV2_1;
    case dataset::FileVersion::kV2_2:
      break;
  }
  return file::FormatVersion::kV2_2;
}

class FragmentWriter {
 public:
  FragmentWriter(std::shared_ptr<ObjectStore> store, const dataset::Schema& schema,
                 dataset::FileVersion version, const WriteOptions& options)
      : store_(std::move(store)), schema_(schema), version_(version), options_(options) {}

  ~FragmentWriter() {
    file_.reset();  // removes what it has written
    for (const std::string& path : written_) (void)store_->Delete(path);
  }

  Status Write(const arrow::RecordBatch& batch) {
    for (int64_t first = 0; first < batch.num_rows();) {
      if (!file_) ARROW_RETURN_NOT_OK(Begin());
      const int64_t room = static_cast<int64_t>(options_.max_rows_per_file - file_->num_rows());
      const int64_t count = std::min(room, batch.num_rows() - first);
      ARROW_RETURN_NOT_OK(file_->Write(*batch.Slice(first, count)));
      first += count;
      if (file_->num_rows() >= options_.max_rows_per_file ||
          file_->bytes_written() >= options_.max_bytes_per_file)
        ARROW_RETURN_NOT_OK(End());
    }
    return Status::OK();
  }

  Result<std::vector<dataset::Fragment>> Finish() {
    if (file_) ARROW_RETURN_NOT_OK(End());
    written_.clear();  // they stay
    return std::move(fragments_);
  }

 private:
  Status Begin() {
    const std::string stem = dataset::MakeUuid();
    name_ = stem + ".lance";
    file::FileOutput output;
    ARROW_ASSIGN_OR_RAISE(output.file, store_->Create("data/" + name_));
    output.make_sidecar = [this, stem](uint32_t blob_id) {
      written_.push_back("data/" + stem + "/" + file::SidecarName(blob_id));
      return store_->Create(written_.back());
    };
    file::FileWriterOptions options;
    options.version = FormatOf(version_);
    options.page_bytes = options_.page_bytes;
    options.pool = GetMemoryPool();
    ARROW_ASSIGN_OR_RAISE(file_, file::FileWriter::Make(std::move(output), FieldNodes(schema_),
                                                        FileSchema(schema_), options));
    return Status::OK();
  }

  Status End() {
    dataset::Fragment fragment;
    fragment.physical_rows = file_->num_rows();
    dataset::DataFile file{.path = name_, .version = version_};
    file.fields = ColumnIds(schema_, version_);
    for (size_t i = 0; i < file.fields.size(); ++i)
      file.column_indices.push_back(static_cast<int32_t>(i));
    ARROW_ASSIGN_OR_RAISE(file.size, file_->Finish());
    file_.reset();
    written_.push_back("data/" + name_);
    fragment.files.push_back(std::move(file));
    fragments_.push_back(std::move(fragment));
    return Status::OK();
  }

  std::shared_ptr<ObjectStore> store_;
  const dataset::Schema& schema_;
  const dataset::FileVersion version_;
  const WriteOptions options_;
  std::string name_;
  std::unique_ptr<file::FileWriter> file_;
  std::vector<std::string> written_;  // to be removed unless all goes well
  std::vector<dataset::Fragment> fragments_;
};

Status CheckOptions(const WriteOptions& options) {
  if (options.max_rows_per_file > 0 && options.max_bytes_per_file > 0 && options.page_bytes > 0)
    return Status::OK();
  return MakeError(ErrorKind::kInvalidArgument,
                   "max_rows_per_file and max_bytes_per_file must be positive");
}

}  // namespace

Result<std::vector<dataset::Fragment>> WriteFragments(const std::shared_ptr<ObjectStore>& store,
                                                      const dataset::Schema& schema,
                                                      dataset::FileVersion version,
                                                      const WriteOptions& options,
                                                      arrow::RecordBatchReader* rows) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  ARROW_RETURN_NOT_OK(CheckWritable(schema));
  ARROW_RETURN_NOT_OK(CheckColumns(*rows->schema(), *schema.arrow));
  FragmentWriter writer(store, schema, version, options);
  while (true) {
    ARROW_RETURN_NOT_OK(CancelScope::Check());
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(rows->ReadNext(&batch));
    if (!batch) return writer.Finish();
    ARROW_ASSIGN_OR_RAISE(auto conformed, Conform(*batch, schema.arrow, GetMemoryPool()));
    ARROW_RETURN_NOT_OK(writer.Write(*conformed));
  }
}

}  // namespace pilum::write
