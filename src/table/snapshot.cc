#include <cstdint>
#include <memory>

#include "pilum/table.h"

namespace pilum {

arrow::Result<std::shared_ptr<BatchStream>> Snapshot::Scan(const ScanOptions& options) const {
  ARROW_ASSIGN_OR_RAISE(auto scan, Prepare(options));
  return scan->Run();
}

arrow::Result<uint64_t> Snapshot::CountRows(const ScanOptions& options) const {
  ARROW_ASSIGN_OR_RAISE(auto scan, Prepare(options));
  return scan->CountRows();
}

}  // namespace pilum
