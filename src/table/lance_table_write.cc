// Changing a table: rows are written first, then a transaction is committed.
#include <map>
#include <utility>

#include <arrow/array.h>

#include "dataset/commit.h"
#include "dataset/deletion_write.h"
#include "dataset/moved_rows.h"
#include "dataset/schema_write.h"
#include "pilum/error.h"
#include "table/lance_table.h"
#include "write/fragment_writer.h"

namespace pilum::table {

using arrow::Result;
using arrow::Status;

namespace {

Result<dataset::FileVersion> ParseVersion(const std::string& version) {
  if (version.empty() || version == "2.2" || version == "stable")
    return dataset::FileVersion::kV2_2;
  if (version == "2.1") return dataset::FileVersion::kV2_1;
  if (version == "2.0") return dataset::FileVersion::kV2_0;
  return MakeError(ErrorKind::kInvalidArgument, "there is no storage version '" + version +
                                                    "' that can be written: 2.0, 2.1 and 2.2");
}

Result<dataset::Overwrite> WriteAnew(const std::shared_ptr<ObjectStore>& store,
                                     dataset::FileVersion version, const WriteOptions& options,
                                     arrow::RecordBatchReader* rows) {
  dataset::Overwrite overwrite;
  overwrite.file_version = version;
  overwrite.stable_row_ids = options.stable_row_ids;
  ARROW_ASSIGN_OR_RAISE(overwrite.schema, dataset::SchemaFromArrow(*rows->schema(), version));
  ARROW_ASSIGN_OR_RAISE(overwrite.fragments,
                        write::WriteFragments(store, overwrite.schema, version, options, rows));
  return overwrite;
}

/// Offsets of rows by the id of their fragment, ascending.
using RowsByFragment = std::map<uint64_t, std::vector<uint32_t>>;

void AddAddresses(const arrow::RecordBatch& batch, RowsByFragment* rows) {
  const auto& addresses =
      static_cast<const arrow::UInt64Array&>(*batch.GetColumnByName("_rowaddr"));
  for (int64_t i = 0; i < addresses.length(); ++i)
    (*rows)[addresses.Value(i) >> 32].push_back(static_cast<uint32_t>(addresses.Value(i)));
}

Result<RowsByFragment> FindRows(const Snapshot& snapshot, const std::vector<std::string>& filter) {
  ARROW_ASSIGN_OR_RAISE(auto stream,
                        snapshot.Scan({.columns = {.names = {{"_rowaddr"}}}, .filter = filter}));
  RowsByFragment rows;
  ARROW_RETURN_NOT_OK(VisitBatches(*stream, [&](const arrow::RecordBatch& batch) {
    AddAddresses(batch, &rows);
    return Status::OK();
  }));
  return rows;
}

uint64_t CountOf(const RowsByFragment& rows) {
  uint64_t count = 0;
  for (const auto& [fragment, offsets] : rows) count += offsets.size();
  return count;
}

/// What deleting rows does to their fragments.
struct Deletions {
  std::vector<dataset::Fragment> updated;
  std::vector<uint64_t> removed;
};

Result<Deletions> WriteDeletions(ObjectStore& store, const scan::DatasetReader& reader,
                                 const RowsByFragment& rows) {
  Deletions deletions;
  for (const auto& [id, offsets] : rows) {
    const auto index = reader.FragmentWithId(static_cast<uint32_t>(id));
    if (!index) return Status::Invalid("there is no fragment ", id);
    dataset::Fragment fragment = reader.fragment(*index);
    if (offsets.size() == fragment.live_rows()) {
      deletions.removed.push_back(id);
      continue;
    }
    ARROW_ASSIGN_OR_RAISE(auto before, reader.Deletions(*index));
    std::vector<uint32_t> all;
    std::merge(before->offsets().begin(), before->offsets().end(), offsets.begin(), offsets.end(),
               std::back_inserter(all));
    ARROW_ASSIGN_OR_RAISE(fragment.deletion_file,
                          dataset::WriteDeletionFile(store, id, reader.manifest().version, all));
    deletions.updated.push_back(std::move(fragment));
  }
  return deletions;
}

/// Gives new fragments the ids of the rows that were moved into them, in the order of a scan.
Status KeepRowIds(const scan::DatasetReader& reader, const RowsByFragment& rows,
                  std::vector<dataset::Fragment>* fragments) {
  dataset::MovedRows moved;
  for (size_t i = 0; i < reader.num_fragments(); ++i) {
    const auto found = rows.find(reader.fragment(i).id);
    if (found == rows.end()) continue;
    ARROW_ASSIGN_OR_RAISE(auto ids, reader.RowIds(i));
    ARROW_RETURN_NOT_OK(moved.Add(reader.fragment(i), *ids, found->second));
  }
  moved.Name(fragments);
  return Status::OK();
}

/// The rows of a stream with their addresses in the last column, which it takes off and keeps.
class AddressTaker final : public arrow::RecordBatchReader {
 public:
  AddressTaker(std::shared_ptr<BatchStream> stream, std::shared_ptr<arrow::Schema> schema)
      : stream_(std::move(stream)), schema_(std::move(schema)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    ARROW_RETURN_NOT_OK(stream_->ReadNext(out));
    if (!*out) return Status::OK();
    AddAddresses(**out, &rows_);
    return (*out)->RemoveColumn((*out)->num_columns() - 1).Value(out);
  }

  const RowsByFragment& rows() const { return rows_; }

 private:
  std::shared_ptr<BatchStream> stream_;
  std::shared_ptr<arrow::Schema> schema_;
  RowsByFragment rows_;
};

/// The columns of the changed rows, as expressions; a name in back quotes stands for itself.
Result<std::vector<std::pair<std::string, std::string>>> UpdatedColumns(
    const arrow::Schema& schema,
    const std::vector<std::pair<std::string, std::string>>& assignments) {
  std::map<std::string, std::string> assigned;
  for (const auto& [name, sql] : assignments) {
    if (!schema.GetFieldByName(name))
      return MakeError(ErrorKind::kInvalidArgument,
                       "field '" + name + "' does not exist in table schema");
    if (!assigned.emplace(name, sql).second)
      return MakeError(ErrorKind::kInvalidArgument, "'" + name + "' is set twice");
  }
  std::vector<std::pair<std::string, std::string>> columns;
  for (const auto& field : schema.fields()) {
    const auto found = assigned.find(field->name());
    columns.emplace_back(field->name(),
                         found != assigned.end() ? found->second : "`" + field->name() + "`");
  }
  return columns;
}

}  // namespace

Result<std::shared_ptr<Table>> LanceTable::Create(std::shared_ptr<ObjectStore> store,
                                                  std::string name, std::string uri,
                                                  arrow::RecordBatchReader* rows,
                                                  const WriteOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto version, ParseVersion(options.storage_version));
  ARROW_ASSIGN_OR_RAISE(auto versions, dataset::ListVersions(*store));
  const Status exists =
      MakeError(ErrorKind::kAlreadyExists, "Table '" + name + "' already exists", {.path = uri});
  if (!versions.empty()) return exists;
  ARROW_ASSIGN_OR_RAISE(auto overwrite, WriteAnew(store, version, options, rows));
  auto committed = dataset::Commit(*store, {0, dataset::MakeUuid(), std::move(overwrite)});
  if (!committed.ok() && GetErrorKind(committed.status()) == ErrorKind::kAlreadyExists)
    return exists;
  ARROW_RETURN_NOT_OK(committed.status());
  return Open(std::move(store), std::move(name), std::move(uri));
}

Result<std::shared_ptr<const LanceSnapshot>> LanceTable::OpenForWriting() {
  if (!branch_.empty())
    return MakeError(ErrorKind::kUnsupported, "writing branches is not supported yet",
                     {.path = uri_});
  return OpenManifest(std::nullopt);
}

Result<std::shared_ptr<const LanceSnapshot>> LanceTable::Commit(uint64_t read_version,
                                                                dataset::Operation operation) {
  std::optional<dataset::CommittedVersion> known;
  {
    std::lock_guard<runtime::ForkMutex> lock(mutex_);
    known.swap(committed_);
  }
  ARROW_ASSIGN_OR_RAISE(
      auto committed,
      dataset::Commit(*store_, {read_version, dataset::MakeUuid(), std::move(operation)},
                      std::move(known)));
  auto snapshot = MakeSnapshot(committed.manifest);
  auto replaced = snapshot;
  std::lock_guard<runtime::ForkMutex> lock(mutex_);
  last_.swap(replaced);
  last_version_ = committed.info;
  committed_ = std::move(committed);
  return snapshot;
}

Result<std::shared_ptr<const Snapshot>> LanceTable::Append(arrow::RecordBatchReader* rows,
                                                           const WriteOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto latest, OpenForWriting());
  const dataset::Manifest& manifest = latest->reader()->manifest();
  ARROW_ASSIGN_OR_RAISE(
      auto fragments,
      write::WriteFragments(store_, manifest.schema, manifest.file_version, options, rows));
  if (fragments.empty()) return latest;
  return Commit(manifest.version, dataset::Append{std::move(fragments)});
}

Result<std::shared_ptr<const Snapshot>> LanceTable::Overwrite(arrow::RecordBatchReader* rows,
                                                              const WriteOptions& options) {
  ARROW_ASSIGN_OR_RAISE(auto latest, OpenForWriting());
  const dataset::Manifest& manifest = latest->reader()->manifest();
  dataset::FileVersion version = manifest.file_version;
  if (!options.storage_version.empty()) {
    ARROW_ASSIGN_OR_RAISE(version, ParseVersion(options.storage_version));
  }
  ARROW_ASSIGN_OR_RAISE(auto overwrite, WriteAnew(store_, version, options, rows));
  return Commit(manifest.version, std::move(overwrite));
}

Result<RowChange> LanceTable::Delete(const std::string& condition) {
  ARROW_ASSIGN_OR_RAISE(auto latest, OpenForWriting());
  ARROW_ASSIGN_OR_RAISE(auto rows, FindRows(*latest, {condition}));
  if (rows.empty()) return RowChange{latest, 0};
  ARROW_ASSIGN_OR_RAISE(auto deletions, WriteDeletions(*store_, *latest->reader(), rows));
  ARROW_ASSIGN_OR_RAISE(
      auto snapshot,
      Commit(latest->version(), dataset::Delete{std::move(deletions.updated),
                                                std::move(deletions.removed), condition}));
  return RowChange{std::move(snapshot), CountOf(rows)};
}

Result<RowChange> LanceTable::Update(
    const std::vector<std::pair<std::string, std::string>>& assignments,
    const std::optional<std::string>& condition) {
  ARROW_ASSIGN_OR_RAISE(auto latest, OpenForWriting());
  const dataset::Manifest& manifest = latest->reader()->manifest();
  ScanOptions scan;
  ARROW_ASSIGN_OR_RAISE(scan.columns.expressions, UpdatedColumns(*latest->schema(), assignments));
  scan.columns.with_row_address = true;
  if (condition) scan.filter = {*condition};
  ARROW_ASSIGN_OR_RAISE(auto stream, latest->Scan(scan));
  ARROW_ASSIGN_OR_RAISE(auto schema,
                        stream->schema()->RemoveField(stream->schema()->num_fields() - 1));
  AddressTaker changed(std::move(stream), std::move(schema));
  dataset::Update update;
  ARROW_ASSIGN_OR_RAISE(update.added, write::WriteFragments(store_, manifest.schema,
                                                            manifest.file_version, {}, &changed));
  if (update.added.empty()) return RowChange{latest, 0};
  if (manifest.stable_row_ids)
    ARROW_RETURN_NOT_OK(KeepRowIds(*latest->reader(), changed.rows(), &update.added));
  ARROW_ASSIGN_OR_RAISE(auto deletions, WriteDeletions(*store_, *latest->reader(), changed.rows()));
  update.updated = std::move(deletions.updated);
  update.removed = std::move(deletions.removed);
  ARROW_ASSIGN_OR_RAISE(auto snapshot, Commit(manifest.version, std::move(update)));
  return RowChange{std::move(snapshot), CountOf(changed.rows())};
}

Result<std::shared_ptr<const Snapshot>> LanceTable::Restore(uint64_t version) {
  ARROW_ASSIGN_OR_RAISE(auto old, OpenVersion(version));
  ARROW_ASSIGN_OR_RAISE(auto latest, OpenForWriting());
  return Commit(latest->version(), dataset::Restore{version});
}

}  // namespace pilum::table
