// The bytes that a process may keep of files: RuntimeOptions::block_cache_bytes, for all its caches of
// blocks together.
#pragma once

#include <cstdint>

namespace pilum::runtime {

/// Takes `bytes` of the budget; false, and nothing is taken, if there are not so many left.
/// Thread-safe. A forked child goes on from its parent's count, as it has the parent's blocks.
bool TakeFromBlockBudget(int64_t bytes);

/// Gives back what was taken. Thread-safe.
void ReturnToBlockBudget(int64_t bytes);

}  // namespace pilum::runtime
