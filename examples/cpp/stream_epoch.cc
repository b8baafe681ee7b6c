// Streams a table's rows in shuffled order: one reader begins the epoch, stops, and two others go on
// where it was.
//
//   stream_epoch TABLE_FOLDER
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include "pilum/database.h"
#include "pilum/stream.h"

namespace {

arrow::Status Run(const std::string& uri) {
  ARROW_ASSIGN_OR_RAISE(auto table, pilum::OpenTableAt(uri));
  ARROW_ASSIGN_OR_RAISE(auto snapshot, table->Latest());

  pilum::EpochOptions options;
  options.shuffle = pilum::ShuffleOptions{.seed = 7};
  options.num_splits = 4;
  options.batch_size = 256;
  ARROW_ASSIGN_OR_RAISE(auto rows, pilum::EpochRows::Find(snapshot));
  ARROW_ASSIGN_OR_RAISE(auto stream, pilum::OpenEpoch(rows, options));
  uint64_t begun = 0;
  while (begun < stream->num_samples() / 2) {
    ARROW_ASSIGN_OR_RAISE(auto batch, stream->Next());
    begun += static_cast<uint64_t>(batch->num_rows());
  }
  const pilum::EpochProgress progress = stream->progress();

  const auto started = std::chrono::steady_clock::now();
  uint64_t resumed = 0;
  for (uint64_t rank : {0, 1}) {
    options.reader = {.rank = rank, .world_size = 2};
    options.batch_size = 128;
    ARROW_ASSIGN_OR_RAISE(stream, pilum::OpenEpoch(rows, options, progress));
    while (true) {
      ARROW_ASSIGN_OR_RAISE(auto batch, stream->Next());
      if (!batch) break;
      resumed += static_cast<uint64_t>(batch->num_rows());
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  std::cout << begun << " rows from one reader and " << resumed << " from two are "
            << begun + resumed << " of " << stream->num_samples() << "\n"
            << resumed / seconds.count() << " rows/s\n";
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: stream_epoch TABLE_FOLDER\n";
    return EXIT_FAILURE;
  }
  const arrow::Status status = Run(argv[1]);
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
