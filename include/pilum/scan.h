// Reading rows of a table version: what to read, and the stream it comes as.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include "pilum/batch_stream.h"

namespace pilum {

/// What a scan or take delivers of each row. Without columns and expressions: all stored columns.
struct Columns {
  /// Top-level columns, nested ones by dotted path (delivered under that name), or `_rowid`,
  /// `_rowaddr` and `_rowoffset`.
  std::optional<std::vector<std::string>> names;
  /// Alternatively: (name, SQL expression) pairs.
  std::vector<std::pair<std::string, std::string>> expressions;
  bool with_row_id = false;       ///< append `_rowid` (uint64)
  bool with_row_address = false;  ///< append `_rowaddr` (uint64): fragment id << 32 | offset
};

struct ScanOptions {
  Columns columns;
  std::vector<std::string> filter;  ///< SQL conditions: rows are kept where all are TRUE. A later
                                    ///< one is evaluated in rows that the earlier ones keep only.
  std::optional<uint64_t> limit;    ///< rows, after filter and offset
  uint64_t offset = 0;              ///< matching rows to skip
  int64_t batch_size = 0;  ///< rows per batch at most; 0 = 8192, fewer if they exceed about 4 MiB
  uint64_t readahead_bytes =
      64 << 20;  ///< decoded data that may wait for the consumer, beyond one batch
  std::optional<std::vector<uint64_t>>
      fragments;  ///< ids of the fragments to read, in their stored order
};

/// What identifies a row in a take.
enum class RowKey {
  kOffset,      ///< position among the live rows of the version, in storage order
  kRowId,       ///< `_rowid`
  kRowAddress,  ///< `_rowaddr`
};

/// The keys of rows to come: appends at most `most` of them to `keys`, at least one unless there are no
/// more. Called on the thread that makes or reads the stream.
using RowKeys = std::function<arrow::Status(uint64_t most, std::vector<uint64_t>* keys)>;

/// For how long at least one of several things was under way, and how long each took. Thread-safe.
class BusyTime {
 public:
  /// How many took 2^(i/2) to 2^((i+1)/2) us; the first and the last one count shorter and longer
  /// ones, too.
  using Histogram = std::array<uint64_t, 64>;

  void Begin();
  void End(std::chrono::nanoseconds taken);

  uint64_t busy_ns() const;
  Histogram histogram() const;

 private:
  using Clock = std::chrono::steady_clock;

  mutable std::mutex mutex_;
  uint64_t under_way_ = 0;
  Clock::time_point since_;           // when that was 0 last
  std::chrono::nanoseconds busy_{0};  // until then
  Histogram histogram_{};
};

/// What a stream has read so far. Counted on its threads, readable on any.
struct ReadCounters {
  std::atomic<uint64_t> rows_requested{0};
  std::atomic<uint64_t> rows_read{0};   ///< and decoded
  std::atomic<uint64_t> bytes_read{0};  ///< of them, as Arrow data
  std::atomic<uint64_t> read_ns{0};    ///< from request to result, summed over reads, which overlap
  std::atomic<uint64_t> fetch_ns{0};   ///< of these, waiting for the store
  std::atomic<uint64_t> decode_ns{0};  ///< of these, planning and decoding
  std::atomic<uint64_t> store_reads{0};   ///< from the store; none for what is in memory
  std::atomic<uint64_t> store_bytes{0};   ///< in these
  std::atomic<uint64_t> wanted_bytes{0};  ///< of these, without what lies between
  BusyTime reads;                         ///< of rows that are read together
};

struct TakeOptions {
  Columns columns;
  RowKey key = RowKey::kOffset;
  /// Under way or waiting for the consumer: half of it rows, half what they are decoded from. Single
  /// rows, and the pages that rows which come next are in, may have more. Planning takes as much again
  /// at most, or 16 MiB.
  uint64_t readahead_bytes = 64 << 20;
  uint64_t readahead_rows = 0;  ///< the same in rows; 0 = as many as the bytes allow
  /// So many rows, counted from the first one on, should come in one batch if there is room: they are
  /// used together.
  uint64_t rows_together = 1;
  std::shared_ptr<ReadCounters> counters = std::make_shared<ReadCounters>();
};

/// A scan whose columns, filter and fragments were found in its version: bound once, run any number
/// of times. Immutable, thread-safe, valid in a forked child.
class PreparedScan {
 public:
  virtual ~PreparedScan() = default;

  /// Of the batches.
  virtual const std::shared_ptr<arrow::Schema>& schema() const = 0;
  /// Live rows in storage order. Batches have batch_size rows; shorter ones occur at the ends of
  /// fragments and wherever a filter drops rows.
  virtual arrow::Result<std::shared_ptr<BatchStream>> Run() const = 0;
  /// How many rows Run delivers. Reads only the filter's columns; nothing without one.
  virtual arrow::Result<uint64_t> CountRows() const = 0;
};

}  // namespace pilum
