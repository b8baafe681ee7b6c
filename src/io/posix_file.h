// What every use of the operating system's files shares: owned descriptors and errors of errno.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <arrow/status.h>

namespace pilum::io {

/// Owns a file descriptor; -1 is none.
class UniqueFd {
 public:
  explicit UniqueFd(int fd = -1) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

/// open(2) with O_CLOEXEC, tried again when a signal interrupts it. Invalid with errno set on
/// failure.
UniqueFd OpenFile(const std::string& path, int flags, int mode = 0);

/// The error of a failed system call: the kind follows from `error_number`, and the message reads
/// "cannot <action> '<path>': <reason>; <what to do>".
arrow::Status ErrnoError(int error_number, std::string_view action, const std::string& path);

}  // namespace pilum::io
