// Iterators over streams that know how far they are.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "gil.h"
#include "pilum/scan.h"
#include "scan.h"

namespace pilum::python {

/// Over a stream with `progress(unused)`. As StreamIterator, but that knows its progress also at the
/// end, until it is closed.
template <typename Stream>
class ProgressIterator : public StreamIterator {
 public:
  using Progress = decltype(std::declval<const Stream&>().progress(0));

  ProgressIterator(std::shared_ptr<Stream> stream, std::shared_ptr<const ReadCounters> counters)
      : StreamIterator(stream),
        stream_(OwnedByThisProcess(std::move(stream))),
        counters_(std::move(counters)) {}
  ~ProgressIterator() { CloseWithProgress(); }

  const ReadCounters& counters() const { return *counters_; }

  Progress ProgressWithout(uint64_t unused) {
    return Ask([&](const Stream& stream) { return stream.progress(unused); });
  }

  /// What `question` says of the stream, which no other thread reads meanwhile.
  template <typename Question>
  auto Ask(const Question& question) {
    CheckProcess();
    using Answer = decltype(question(std::declval<const Stream&>()));
    std::optional<Answer> answer = WithoutGil([&]() -> std::optional<Answer> {
      std::lock_guard<std::mutex> lock(mutex_);
      if (!stream_) return std::nullopt;
      return question(*stream_);
    });
    if (!answer) throw std::runtime_error("the stream is closed");
    return std::move(*answer);
  }

  void CloseWithProgress() {
    Close();
    if (!InItsProcess()) return;
    WithoutGil([&] {
      std::unique_lock<std::mutex> lock(mutex_);
      const auto closed = std::exchange(stream_, nullptr);
      lock.unlock();
    });
  }

 private:
  std::shared_ptr<Stream> stream_;  // that of the base class, which lets go at the end
  const std::shared_ptr<const ReadCounters> counters_;
};

}  // namespace pilum::python
