#include "scan/file_cache.h"

namespace pilum::scan {

arrow::Result<std::shared_ptr<file::FileReader>> FileCache::Get(const std::string& key,
                                                                const Open& open) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    auto it = by_key_.find(key);
    if (it != by_key_.end()) {
      entries_.splice(entries_.begin(), entries_, it->second);
      return it->second->file;
    }
  }
  // Two threads may open the same file at once; the second to finish uses the first one's.
  ARROW_ASSIGN_OR_RAISE(auto file, open());
  std::lock_guard<std::mutex> lock(mutex_);
  auto it = by_key_.find(key);
  if (it != by_key_.end()) return it->second->file;
  entries_.push_front({key, file});
  by_key_[key] = entries_.begin();
  Trim();
  return file;
}

void FileCache::Trim() {
  size_t total = 0;
  for (auto it = entries_.begin(); it != entries_.end();) {
    total += it->file->memory_bytes();
    if (total <= max_bytes_ || it == entries_.begin()) {
      ++it;
      continue;
    }
    by_key_.erase(it->key);
    it = entries_.erase(it);
  }
}

}  // namespace pilum::scan
