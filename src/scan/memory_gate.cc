#include "scan/memory_gate.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace pilum::scan {

void MemoryGate::Begin(int64_t read) {
  std::lock_guard<std::mutex> lock(mutex_);
  reads_[read];
}

bool MemoryGate::HasRoom(int64_t read, uint64_t bytes) const {
  if (read == reads_.begin()->first) return true;
  return bytes_ <= most_bytes_ && bytes <= most_bytes_ - bytes_;
}

bool MemoryGate::Enter(int64_t read, uint64_t bytes, Start start) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto entry = reads_.find(read);
  if (entry == reads_.end()) return false;  // cancelled
  const bool others_wait =
      std::any_of(reads_.begin(), entry, [](const auto& before) { return before.second.start; });
  if (others_wait || !HasRoom(read, bytes)) {
    entry->second.waiting = bytes;
    entry->second.start = std::move(start);
    return false;
  }
  Take(bytes, &entry->second);
  return true;
}

void MemoryGate::Take(uint64_t bytes, Read* read) {
  bytes_ += bytes;
  read->bytes += bytes;
}

void MemoryGate::Hold(int64_t read, uint64_t bytes) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto entry = reads_.find(read);
  if (entry == reads_.end()) return;
  bytes_ -= std::exchange(entry->second.bytes, bytes);
  bytes_ += bytes;
  StartWaiting(std::move(lock));
}

void MemoryGate::End(int64_t read) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto entry = reads_.find(read);
  if (entry == reads_.end()) return;
  bytes_ -= entry->second.bytes;
  reads_.erase(entry);
  StartWaiting(std::move(lock));
}

void MemoryGate::StartWaiting(std::unique_lock<std::mutex> lock) {
  std::vector<Start> started;
  for (auto& [number, read] : reads_) {
    if (!read.start) continue;
    if (!HasRoom(number, read.waiting)) break;  // those behind it do not overtake it
    Take(read.waiting, &read);
    started.push_back(std::exchange(read.start, nullptr));
  }
  lock.unlock();
  for (const Start& start : started) start();
}

void MemoryGate::Cancel() {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto dropped = std::exchange(reads_, {});  // what waits may own who ends another read
  bytes_ = 0;
  lock.unlock();
}

}  // namespace pilum::scan
