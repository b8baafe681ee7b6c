// Scans as Python sees them.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <nanobind/nanobind.h>

#include "pilum/scan.h"

namespace pilum::python {

namespace nb = nanobind;

/// What Python names the columns with: None, a sequence of names, or a dict of SQL expressions.
/// Raises TypeError for anything else.
Columns ToColumns(nb::handle columns, bool with_row_id, bool with_row_address);

/// `stream` with an owner that leaves it alone in forked children: its locks may have been copied
/// in any state.
template <typename Stream>
std::shared_ptr<Stream> OwnedByThisProcess(std::shared_ptr<Stream> stream) {
  auto* owned = new std::shared_ptr<Stream>(std::move(stream));
  return {owned->get(), [owned, owner = ::getpid()](Stream*) {
            if (::getpid() == owner) delete owned;
          }};
}

/// A Python iterator over a BatchStream. Threads take turns; a forked child cannot use it, because
/// the threads that fill it live in the parent. All functions need the GIL.
class StreamIterator {
 public:
  explicit StreamIterator(std::shared_ptr<BatchStream> stream);
  ~StreamIterator() { Close(); }
  StreamIterator(const StreamIterator&) = delete;
  StreamIterator& operator=(const StreamIterator&) = delete;

  /// A pyarrow.Schema.
  const nb::object& schema() const { return schema_; }

  /// The next pyarrow.RecordBatch; raises StopIteration at the end. Waits in slices, so that a
  /// signal interrupts it.
  nb::object Next();

  /// Stops the reads; what follows is the end.
  void Close();

  /// Gives the stream away as a capsule of the Arrow C stream interface.
  nb::object ToCapsule();

 protected:
  /// The next batch; null at the end. `on_read` runs before another thread can read, without the
  /// GIL.
  std::shared_ptr<arrow::RecordBatch> ReadNext(const std::function<void()>& on_read = {});

  bool InItsProcess() const { return ::getpid() == process_; }
  void CheckProcess() const;

  std::mutex mutex_;  // of the stream; never held while waiting for the GIL

 private:
  std::shared_ptr<BatchStream> TakeStream();

  nb::object schema_;
  pid_t process_;
  std::shared_ptr<BatchStream> stream_;
};

}  // namespace pilum::python
