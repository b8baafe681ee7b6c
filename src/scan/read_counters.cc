#include <algorithm>
#include <cmath>

#include "pilum/scan.h"

namespace pilum {

void BusyTime::Begin() {
  std::lock_guard<std::mutex> lock(mutex_);
  if (under_way_++ == 0) since_ = Clock::now();
}

void BusyTime::End(std::chrono::nanoseconds taken) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (--under_way_ == 0) busy_ += Clock::now() - since_;
  const double halves = 2 * std::log2(static_cast<double>(taken.count()) / 1000);
  ++histogram_[static_cast<size_t>(std::clamp(halves, 0.0, histogram_.size() - 1.0))];
}

uint64_t BusyTime::busy_ns() const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto now = under_way_ > 0 ? Clock::now() - since_ : Clock::duration{0};
  return static_cast<uint64_t>((busy_ + now).count());
}

BusyTime::Histogram BusyTime::histogram() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return histogram_;
}

}  // namespace pilum
