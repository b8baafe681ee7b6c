#include <utility>

#include "pilum/error.h"
#include "pilum/runtime.h"

namespace pilum {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenQuestions(50);

thread_local CancelScope* innermost = nullptr;

}  // namespace

CancelScope::CancelScope(std::function<bool()> wanted)
    : wanted_(std::move(wanted)),
      outer_(std::exchange(innermost, this)),
      next_(Clock::now() + kBetweenQuestions) {}

CancelScope::~CancelScope() { innermost = outer_; }

arrow::Status CancelScope::Check() {
  if (innermost == nullptr || Clock::now() < innermost->next_) return arrow::Status::OK();
  return innermost->Ask();
}

arrow::Status CancelScope::CheckNow() {
  return innermost == nullptr ? arrow::Status::OK() : innermost->Ask();
}

arrow::Status CancelScope::Ask() {
  cancelled_ = cancelled_ || !wanted_();
  if (cancelled_) return MakeError(ErrorKind::kCancelled, "the call was stopped on request");
  next_ = Clock::now() + kBetweenQuestions;
  return arrow::Status::OK();
}

}  // namespace pilum
