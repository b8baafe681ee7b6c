// For tests: the threads of the CPU executor have other things to do.
#pragma once

#include <cstdint>
#include <latch>
#include <limits>

#include "runtime/runtime.h"

namespace pilum::runtime {

/// While one is alive, no thread of the CPU executor does anything else.
class BusyCpus {
 public:
  BusyCpus() {
    for (int i = 0; i < threads_; ++i) {
      Runtime::Get().cpu().Submit(std::numeric_limits<int64_t>::min(), [this] {
        begun_.count_down();
        over_.wait();
        ended_.count_down();
      });
    }
    begun_.wait();
  }
  ~BusyCpus() {
    over_.count_down();
    ended_.wait();
  }
  BusyCpus(const BusyCpus&) = delete;
  BusyCpus& operator=(const BusyCpus&) = delete;

 private:
  const int threads_ = Runtime::Get().cpu().max_threads();
  std::latch begun_{threads_};
  std::latch over_{1};
  std::latch ended_{threads_};
};

}  // namespace pilum::runtime
