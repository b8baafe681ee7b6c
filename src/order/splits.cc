// Sizes of splits.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>

#include "pilum/error.h"
#include "pilum/order.h"

namespace pilum {
namespace {

constexpr double kTolerance = 1e-6;  // of ratios in single precision

arrow::Status Invalid(std::string message) {
  return MakeError(ErrorKind::kInvalidArgument, std::move(message));
}

std::string SplitName(size_t number) { return "split " + std::to_string(number); }

std::string Rows(uint64_t rows) { return std::to_string(rows) + " rows"; }

/// With more digits than ratios are tolerated to be wrong in.
std::string Number(double value) {
  return (std::ostringstream() << std::setprecision(9) << value).str();
}

arrow::Status CheckRowPerSplit(uint64_t rows, uint64_t splits) {
  if (splits <= rows) return arrow::Status::OK();
  return Invalid(Rows(rows) + " cannot be split into " + std::to_string(splits) +
                 ": there must be at least 1 row per split");
}

/// The sum of the ratios, when they are valid.
arrow::Result<double> CheckRatios(std::span<const double> ratios) {
  if (ratios.empty()) return Invalid("no ratios of splits are given");
  double sum = 0;
  for (size_t i = 0; i < ratios.size(); ++i) {
    if (!(ratios[i] >= 0 && ratios[i] <= 1)) {  // NaN is neither
      return Invalid(SplitName(i) + " has the ratio " + Number(ratios[i]) +
                     ": ratios are between 0 and 1");
    }
    sum += ratios[i];
  }
  if (sum > 1 + kTolerance) {
    return Invalid("the ratios of the splits sum to " + Number(sum) + ": they must not exceed 1");
  }
  return sum;
}

/// Corrects what rounding has done: sizes that exceed `rows`, or with `use_all` leave some. There
/// are at least as many rows as splits, so that no split has to give up its last one.
void Fit(uint64_t rows, bool use_all, std::vector<uint64_t>* sizes) {
  uint64_t total = std::accumulate(sizes->begin(), sizes->end(), uint64_t{0});
  for (size_t i = 0; total > rows; i = (i + 1) % sizes->size()) {
    if ((*sizes)[i] == 1) continue;
    --(*sizes)[i];
    --total;
  }
  for (size_t i = 0; use_all && total < rows; i = (i + 1) % sizes->size()) {
    ++(*sizes)[i];
    ++total;
  }
}

}  // namespace

arrow::Result<std::vector<uint64_t>> EqualSplitSizes(uint64_t rows, int64_t splits) {
  if (splits < 1) {
    return Invalid(std::to_string(splits) + " splits: there must be at least 1");
  }
  const auto count = static_cast<uint64_t>(splits);
  ARROW_RETURN_NOT_OK(CheckRowPerSplit(rows, count));
  return std::vector<uint64_t>(count, rows / count);
}

arrow::Result<std::vector<uint64_t>> SplitSizesByCounts(uint64_t rows,
                                                        std::span<const int64_t> counts) {
  if (counts.empty()) return Invalid("no counts of splits are given");
  uint64_t left = rows;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] < 1) {
      return Invalid(SplitName(i) + " has the count " + std::to_string(counts[i]) +
                     ": counts are at least 1");
    }
    const auto count = static_cast<uint64_t>(counts[i]);
    if (count > left) {
      return Invalid(SplitName(i) + " needs " + Rows(count) + ", but only " + std::to_string(left) +
                     " of " + Rows(rows) + " are left for it");
    }
    left -= count;
  }
  return std::vector<uint64_t>(counts.begin(), counts.end());
}

arrow::Result<std::vector<uint64_t>> SplitSizesByRatios(uint64_t rows,
                                                        std::span<const double> ratios) {
  ARROW_ASSIGN_OR_RAISE(const double sum, CheckRatios(ratios));
  if (rows > kMaxOrderedRows) {
    return Invalid(Rows(rows) + " cannot be split by ratios: at most 2^63 can");
  }
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i < ratios.size(); ++i) {
    const double share = ratios[i] / std::max(sum, 1.0) * static_cast<double>(rows);
    if (share < 1 - kTolerance) {
      return Invalid(SplitName(i) + " has the ratio " + Number(ratios[i]) + ", which of " +
                     Rows(rows) + " rounds to 0 rows");
    }
    sizes.push_back(static_cast<uint64_t>(std::round(share)));
  }
  ARROW_RETURN_NOT_OK(CheckRowPerSplit(rows, sizes.size()));
  Fit(rows, /*use_all=*/(1 - sum) * static_cast<double>(rows) <= 0.5, &sizes);
  return sizes;
}

}  // namespace pilum
