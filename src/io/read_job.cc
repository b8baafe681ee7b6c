#include "io/read_job.h"

#include <algorithm>
#include <chrono>
#include <new>
#include <utility>

#include "pilum/runtime.h"
#include "runtime/runtime.h"

namespace pilum::io {
namespace {

// Costs of reading from the page cache. They only have to be right within a factor of two.
constexpr uint64_t kReadCost = 500;  // ns for each call
constexpr uint64_t kBytesPerNs = 8;  // copied
constexpr uint64_t kSliceCost =
    8'000;  // ns: large beside taking a slice, small beside waking a thread
constexpr uint64_t kWorthAThread = 60'000;  // ns of work for which waking another thread pays

constexpr int kMostRefused = 8;  // then the others are not in the page cache either

constexpr std::chrono::milliseconds kPatience(50);  // between looks for a cancellation

uint64_t CostOf(const Read& read) { return kReadCost + read.out.size() / kBytesPerNs; }

}  // namespace

void ReadNow(std::vector<Read>* reads) {
  int refused = 0;  // since the last one that was not
  std::erase_if(*reads, [&](const Read& read) {
    if (refused == kMostRefused) return false;
    const bool done = read.object->ReadNow(read.offset, read.head, read.out);
    refused = done ? 0 : refused + 1;
    return done;
  });
}

ReadJob::ReadJob(std::vector<Read> reads, int64_t priority)
    : reads_(std::move(reads)), priority_(priority) {
  MakeSlices();
}

void ReadJob::MakeSlices() {
  uint64_t slice_cost = kSliceCost;
  int concurrency = 1;
  for (size_t i = 0; i < reads_.size(); ++i) {
    if (slice_cost >= kSliceCost) {
      slices_.push_back(static_cast<uint32_t>(i));
      slice_cost = 0;
    }
    slice_cost += CostOf(reads_[i]);
    cost_ += CostOf(reads_[i]);
    concurrency = std::max(concurrency, reads_[i].object->policy().concurrency);
  }
  slices_left_ = slices_.size();
  most_helpers_ = concurrency - 1;
  slices_.push_back(static_cast<uint32_t>(reads_.size()));
}

arrow::Status ReadJob::RunAndWait() {
  Work(true);
  // Also after a failure or a cancellation: helpers write to the caller's memory.
  std::unique_lock<std::mutex> lock(mutex_);
  while (!finished_.wait_for(lock, kPatience, [this] { return slices_left_ == 0; })) {
    lock.unlock();
    Fail(CancelScope::Check());
    lock.lock();
  }
  return error_;
}

void ReadJob::RunAndCall(std::function<void(arrow::Status)> done) {
  if (slices_left_ == 0) return done(arrow::Status::OK());
  done_ = std::move(done);
  Work(true);
}

void ReadJob::Work(bool may_call_helpers) {
  if (may_call_helpers) {
    int64_t cpus = runtime::Runtime::Get().options().cpu_threads;
    CallHelpers(std::min<int64_t>(cost_ / kWorthAThread, cpus - 1));
  }
  const size_t slices = slices_.size() - 1;
  for (;;) {
    size_t slice = next_slice_.fetch_add(1, std::memory_order_relaxed);
    if (slice >= slices) return;
    auto start = Clock::now();
    arrow::Status status =
        failed_.load(std::memory_order_relaxed) ? arrow::Status::OK() : ReadSlice(slice);
    if (may_call_helpers && WaitedForDevice(slice, Clock::now() - start)) {
      CallHelpers(std::min<int64_t>(most_helpers_, slices - slice - 1));
    }
    SliceDone(std::move(status));
  }
}

arrow::Status ReadJob::ReadSlice(size_t slice) try {
  ARROW_RETURN_NOT_OK(CancelScope::Check());
  for (uint32_t i = slices_[slice]; i < slices_[slice + 1]; ++i) {
    const Read& read = reads_[i];
    ARROW_RETURN_NOT_OK(read.head.empty()
                            ? read.object->ReadAt(read.offset, read.out)
                            : read.object->ReadInTwo(read.offset, read.head, read.out));
  }
  return arrow::Status::OK();
} catch (const std::bad_alloc&) {
  return arrow::Status::OutOfMemory("no memory left to read");
}

/// Whether a slice took so long that something other than a CPU must have held it up.
bool ReadJob::WaitedForDevice(size_t slice, Clock::duration taken) const {
  if (taken < std::chrono::microseconds(100)) return false;
  uint64_t cost = 0;
  for (uint32_t i = slices_[slice]; i < slices_[slice + 1]; ++i) cost += CostOf(reads_[i]);
  return taken > std::chrono::nanoseconds(4 * cost);
}

/// Raises the number of helpers to `wanted`. One that comes late finds no slice left and goes.
void ReadJob::CallHelpers(int64_t wanted) try {
  for (; helpers_ < wanted; ++helpers_) {
    runtime::Runtime::Get().io().Submit(priority_,
                                        [job = shared_from_this()] { job->Work(false); });
  }
} catch (const std::bad_alloc&) {
  // Those that work already do the rest.
}

void ReadJob::Fail(arrow::Status status) {
  if (status.ok()) return;
  failed_.store(true, std::memory_order_relaxed);
  std::lock_guard<std::mutex> lock(mutex_);
  if (error_.ok()) error_ = std::move(status);
}

void ReadJob::SliceDone(arrow::Status status) {
  Fail(std::move(status));
  if (slices_left_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  if (done_) {
    std::exchange(done_, nullptr)(error_);
  } else {
    std::lock_guard<std::mutex> lock(mutex_);
    finished_.notify_one();
  }
}

}  // namespace pilum::io
