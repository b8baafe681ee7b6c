#include "runtime/block_budget.h"

#include <atomic>

#include "pilum/runtime.h"

namespace pilum::runtime {
namespace {

std::atomic<int64_t> bytes_taken{0};

}  // namespace

bool TakeFromBlockBudget(int64_t bytes) {
  if (bytes_taken.fetch_add(bytes) + bytes <= GetRuntimeOptions().block_cache_bytes) return true;
  bytes_taken.fetch_sub(bytes);
  return false;
}

void ReturnToBlockBudget(int64_t bytes) { bytes_taken.fetch_sub(bytes); }

}  // namespace pilum::runtime
