// Hashes of values that never change: they decide which split a row is in.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include <arrow/array/array_base.h>
#include <arrow/status.h>
#include <arrow/type.h>

namespace pilum::permutation {

/// Whether values of this type have a hash: numbers, booleans, times, text, bytes, decimals, and
/// dictionaries of these.
bool IsHashable(const arrow::DataType& type);

/// Combines each hash with that of the value in its row. Equal values of one type have equal hashes, 0.0
/// and -0.0 among them, and all NaN; a null has one too. Values of integers and of text do not depend
/// on the width of the type. `type` of `values` is hashable.
///
/// Fixed: integers by the finalizer of SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom
/// Number Generators, 2014), bytes by FNV-1a (Fowler, Noll, Vo) of 64 bits and then the same.
arrow::Status CombineHashes(const std::shared_ptr<arrow::Array>& values,
                            std::span<uint64_t> hashes);

}  // namespace pilum::permutation
