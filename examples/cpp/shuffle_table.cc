// Divides a table's rows at random into two splits, stores which is where, and reads from the first
// in that order; then the same table in an order that is computed.
//
//   shuffle_table TABLE_FOLDER
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/status.h>

#include "pilum/database.h"
#include "pilum/order.h"
#include "pilum/permutation.h"

namespace {

arrow::Status Run(const std::string& uri) {
  ARROW_ASSIGN_OR_RAISE(auto table, pilum::OpenTableAt(uri));
  ARROW_ASSIGN_OR_RAISE(auto snapshot, table->Latest());

  pilum::PermutationOptions options;
  options.splits = pilum::RandomSplits{pilum::SplitRatios{{0.75, 0.25}}, {.seed = 7}};
  options.split_names = {"train", "test"};
  ARROW_ASSIGN_OR_RAISE(auto rows, pilum::BuildPermutation(*snapshot, options));
  ARROW_ASSIGN_OR_RAISE(auto database, pilum::Connect("memory://"));
  ARROW_ASSIGN_OR_RAISE(auto splits, database->CreateTable("splits", rows.get()));

  ARROW_ASSIGN_OR_RAISE(auto permutation, splits->Latest());
  ARROW_ASSIGN_OR_RAISE(const auto train, pilum::RowSequence::Load(*permutation, /*split_id=*/0));
  const std::vector<uint64_t> positions = {0, 1, 2, 3};
  ARROW_ASSIGN_OR_RAISE(auto batch, train.Take(*snapshot, positions));
  std::cout << "took " << batch->num_rows() << " of " << train.size() << " rows of a split\n";

  ARROW_ASSIGN_OR_RAISE(const uint64_t count, snapshot->CountRows());
  ARROW_ASSIGN_OR_RAISE(auto order, pilum::RowOrder::Shuffled(count, {.seed = 7, .epoch = 3}));
  std::cout << "row 0 comes at position " << order.PositionOf(0) << " of epoch 3\n";
  ARROW_ASSIGN_OR_RAISE(batch, pilum::RowSequence(order).Take(*snapshot, positions));
  std::cout << "took " << batch->num_rows() << " of " << order.size() << " shuffled rows\n";
  return arrow::Status::OK();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: shuffle_table TABLE_FOLDER\n";
    return EXIT_FAILURE;
  }
  const arrow::Status status = Run(argv[1]);
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
