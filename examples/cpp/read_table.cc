// Reads a table: its schema, the rows that match a filter as a stream, and some rows by number.
//
//   read_table TABLE_FOLDER [FILTER]
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/scalar.h>
#include <arrow/status.h>
#include <arrow/type.h>

#include "pilum/database.h"
#include "pilum/error.h"

namespace {

arrow::Status Run(const std::string& uri, const std::string& filter) {
  ARROW_ASSIGN_OR_RAISE(auto table, pilum::OpenTableAt(uri));
  ARROW_ASSIGN_OR_RAISE(auto snapshot, table->Latest());
  ARROW_ASSIGN_OR_RAISE(uint64_t rows, snapshot->CountRows());
  std::cout << table->name() << ", version " << snapshot->version() << ", " << rows << " rows\n"
            << snapshot->schema()->ToString() << "\n";

  pilum::ScanOptions options{.batch_size = 256};
  if (!filter.empty()) options.filter = {filter};
  ARROW_ASSIGN_OR_RAISE(auto stream, snapshot->Scan(options));
  int64_t matching = 0;
  std::shared_ptr<arrow::RecordBatch> batch;
  while (true) {
    ARROW_RETURN_NOT_OK(stream->ReadNext(&batch));
    if (!batch) break;
    matching += batch->num_rows();
  }
  std::cout << matching << " rows match '" << filter << "'\n";

  if (rows == 0) return arrow::Status::OK();
  const std::vector<uint64_t> wanted = {rows - 1, 0, rows / 2};
  ARROW_ASSIGN_OR_RAISE(batch,
                        snapshot->Take(wanted, pilum::RowKey::kOffset, {.with_row_id = true}));
  std::cout << "took " << batch->num_rows() << " rows, the last of them with id "
            << batch->GetColumnByName("_rowid")->GetScalar(2).ValueOrDie()->ToString() << "\n";
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: read_table TABLE_FOLDER [FILTER]\n";
    return EXIT_FAILURE;
  }
  const arrow::Status status = Run(argv[1], argc > 2 ? argv[2] : "");
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
