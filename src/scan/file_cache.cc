#include "scan/file_cache.h"

#include <iterator>
#include <utility>

namespace pilum::scan {
namespace {

// Files grow in the cache as the indexes of their pages are loaded.
constexpr uint64_t kTrimEvery = 1024;

}  // namespace

arrow::Result<std::shared_ptr<file::FileReader>> FileCache::Get(const std::string& key,
                                                                const Open& open) {
  std::list<Entry> evicted;  // destroyed after the lock is given back
  {
    std::lock_guard<runtime::ForkMutex> lock(mutex_);
    auto it = by_key_.find(key);
    if (it != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, it->second);
      auto file = it->second->file;
      if (++hits_ % kTrimEvery == 0) evicted = Trim();
      return file;
    }
  }
  // Two threads may open the same file at once; the second to finish uses the first one's.
  ARROW_ASSIGN_OR_RAISE(auto file, open());
  std::lock_guard<runtime::ForkMutex> lock(mutex_);
  auto it = by_key_.find(key);
  if (it != by_key_.end()) return it->second->file;
  entries_.push_front({key, file});
  by_key_[key] = entries_.begin();
  evicted = Trim();
  return file;
}

std::list<FileCache::Entry> FileCache::Trim() {
  size_t total = 0;
  std::list<Entry> evicted;
  for (auto it = entries_.begin(); it != entries_.end();) {
    auto next = std::next(it);
    total += it->file->memory_bytes();
    if (total > max_bytes_ && it != entries_.begin()) {
      by_key_.erase(it->key);
      evicted.splice(evicted.end(), entries_, it);
    }
    it = next;
  }
  return evicted;
}

}  // namespace pilum::scan
