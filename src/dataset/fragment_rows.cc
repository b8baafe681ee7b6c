#include "dataset/fragment_rows.h"

#include <algorithm>

#include "bytes/byte_reader.h"
#include "dataset/deletion_file.h"
#include "dataset/read_object.h"
#include "dataset/roaring_reader.h"
#include "pilum/error.h"

namespace pilum::dataset {
namespace {

arrow::Result<std::vector<uint32_t>> ParseOffsets(bytes::Bytes bytes, const DeletionFile& file) {
  if (file.type == DeletionFile::Type::kBitmap) return ReadRoaring(bytes, file.num_deleted_rows);
  return ParseDeletionArrow(bytes, file.num_deleted_rows);
}

arrow::Status CheckOffsets(const std::vector<uint32_t>& sorted, const Fragment& fragment) {
  if (sorted.size() != fragment.deletion_file->num_deleted_rows) {
    return bytes::Corrupt("the file lists " + std::to_string(sorted.size()) +
                          " deleted rows, the manifest says " +
                          std::to_string(fragment.deletion_file->num_deleted_rows));
  }
  if (!sorted.empty() && sorted.back() >= fragment.physical_rows) {
    return bytes::Corrupt("row " + std::to_string(sorted.back()) + " is deleted, but fragment " +
                          std::to_string(fragment.id) + " has " +
                          std::to_string(fragment.physical_rows) + " rows");
  }
  return arrow::Status::OK();
}

}  // namespace

bool DeletionVector::Contains(uint32_t offset) const {
  return std::binary_search(offsets_.begin(), offsets_.end(), offset);
}

uint64_t DeletionVector::Rank(uint64_t offset) const {
  return static_cast<uint64_t>(std::lower_bound(offsets_.begin(), offsets_.end(), offset) -
                               offsets_.begin());
}

uint64_t DeletionVector::LiveToPhysical(uint64_t k) const {
  // Before the i-th deleted row there are offsets_[i] - i live ones, which never shrinks with i.
  size_t low = 0;
  size_t high = offsets_.size();
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (offsets_[middle] - middle <= k) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return k + low;
}

arrow::Result<std::shared_ptr<const DeletionVector>> ReadDeletionVector(ObjectStore& store,
                                                                        const Fragment& fragment) {
  if (!fragment.deletion_file) return std::make_shared<const DeletionVector>();
  const DeletionFile& file = *fragment.deletion_file;
  ARROW_ASSIGN_OR_RAISE(WholeObject object, ReadObject(store, DeletionFilePath(fragment.id, file)));
  auto offsets = ParseOffsets(object.bytes(), file);
  arrow::Status status = offsets.status();
  if (status.ok()) status = CheckOffsets(*offsets, fragment);
  if (!status.ok()) return WithContext(status, {.path = object.name});
  return std::make_shared<const DeletionVector>(*std::move(offsets));
}

}  // namespace pilum::dataset
