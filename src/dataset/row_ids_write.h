// Writing the row ids of a fragment, and the versions of its rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lance/table.pb.h"

namespace pilum::dataset {

/// A RowIdSequence: ranges where ids are consecutive, arrays where they are not.
class RowIdsWriter {
 public:
  /// The next `count` rows have the ids from `first` on.
  void Append(uint64_t first, uint64_t count);
  /// The serialised message.
  std::string Finish();

 private:
  void FlushRun();
  void FlushArray();

  lance::table::RowIdSequence sequence_;
  uint64_t first_ = 0;  // the last run of consecutive ids
  uint64_t count_ = 0;
  std::vector<uint64_t> array_;  // ids before that run that are in no segment yet
};

/// A RowDatasetVersionSequence.
class RowVersionsWriter {
 public:
  /// The next `count` rows are of this version.
  void Append(uint64_t version, uint64_t count);
  /// The serialised message.
  std::string Finish();

 private:
  lance::table::RowDatasetVersionSequence sequence_;
};

}  // namespace pilum::dataset
