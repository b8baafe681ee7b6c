// Support of tests of streams of rows by key.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "pilum/runtime.h"
#include "pilum/scan.h"

namespace pilum::scan {

using Keys = std::vector<uint64_t>;

inline RowKeys InTurn(Keys keys) {
  return [keys = std::move(keys), next = size_t{0}](uint64_t most, Keys* out) mutable {
    const size_t count = std::min<size_t>(most, keys.size() - next);
    out->insert(out->end(), keys.begin() + static_cast<long>(next),
                keys.begin() + static_cast<long>(next + count));
    next += count;
    return arrow::Status::OK();
  };
}

inline Keys Shuffled(uint64_t rows, uint64_t times = 1) {
  Keys keys(rows * times);
  for (size_t i = 0; i < keys.size(); ++i) keys[i] = i % rows;
  std::shuffle(keys.begin(), keys.end(), std::mt19937_64(7));
  return keys;
}

/// How many rows come before an error, and that.
inline std::pair<uint64_t, arrow::Status> ReadToError(BatchStream* stream) {
  uint64_t rows = 0;
  arrow::Status status;
  while (status.ok()) {
    std::shared_ptr<arrow::RecordBatch> batch;
    status = stream->ReadNext(&batch);
    if (batch) rows += static_cast<uint64_t>(batch->num_rows());
  }
  return {rows, status};
}

/// Bytes that the stream which `open` makes holds at most, that in hand included. It has so many rows.
template <typename Open>
int64_t MostHeldBy(const Open& open, uint64_t expected_rows) {
  const int64_t before = GetMemoryPool()->bytes_allocated();
  const std::shared_ptr<BatchStream> stream = open();
  uint64_t rows = 0;
  int64_t most = 0;
  while (const auto batch = stream->Next().ValueOrDie()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // for those who read too far
    rows += static_cast<uint64_t>(batch->num_rows());
    most = std::max(most, GetMemoryPool()->bytes_allocated() - before);
  }
  EXPECT_EQ(rows, expected_rows);
  return most;
}

}  // namespace pilum::scan
