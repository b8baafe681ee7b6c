// Which row is which sample of an epoch, and proof of what was delivered.
//
//   auto order = pilum::EpochOrder::Make(rows, options).ValueOrDie();
//   order.SampleOf(row_id);                  // when a row comes, without a log
//   order.RowIds(step * batch, batch);       // what the ranks together got in a step
//   delivered == order.Digest().ValueOrDie() // every row once: `delivered` summed over all ranks
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <arrow/result.h>

#include "pilum/stream.h"

namespace pilum {

/// A hash of a multiset of rows: the same for the same rows in any order, and a sum over parts of
/// them. A row that is missing, or there twice, is seen with a probability of 1 - 2^-64; against
/// who chooses rows in order to deceive it is no protection.
///
/// Source: Clarke et al., Incremental Multiset Hash Functions and Their Application to Memory
/// Integrity Checking, ASIACRYPT 2003 (MSet-Add-Hash), with SplitMix64 as the hash of a row id.
struct RowDigest {
  uint64_t rows = 0;
  uint64_t sum = 0;  ///< of the hashes, modulo 2^64

  void Add(std::span<const uint64_t> row_ids);
  bool operator==(const RowDigest&) const = default;
};

/// The rows of an epoch in the order in which its readers deliver them together. An immutable value:
/// cheap to copy, usable from any thread and in a forked child.
class EpochOrder {
 public:
  /// Of the options, the shuffle and the number of splits count. Errors as OpenEpoch.
  static arrow::Result<EpochOrder> Make(const EpochRows& rows, const EpochOptions& options);

  uint64_t num_samples() const;

  /// The row ids of samples from `first` on: `count`, or as many as there are.
  arrow::Result<std::vector<uint64_t>> RowIds(uint64_t first, uint64_t count) const;

  /// The number of the sample that a row is; nothing if it is none: a row that does not match the
  /// filter, or that fills no split. kInvalidArgument if there is no such row.
  arrow::Result<std::optional<uint64_t>> SampleOf(uint64_t row_id) const;

  /// Of samples from `first` on: `count`, or as many as there are. Time O(samples), about 0.2 us
  /// each; no data is read.
  arrow::Result<RowDigest> Digest(uint64_t first = 0, uint64_t count = UINT64_MAX) const;

 private:
  struct Order;
  explicit EpochOrder(std::shared_ptr<const Order> order) : order_(std::move(order)) {}

  std::shared_ptr<const Order> order_;
};

}  // namespace pilum
