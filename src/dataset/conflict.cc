#include "dataset/conflict.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <vector>

#include "pilum/error.h"

namespace pilum::dataset {
namespace {

/// An entry of the table. Those that look closer are kOk when they find nothing in common.
enum class Rule {
  kOk,
  kFail,
  kRetry,
  kRetrySameFragment,
  kRetrySameKey,  ///< of the config
  kRetryMoved,    ///< same fragment, unless rows are named by ids that do not change
  kMerge,         ///< same fragment; retry when it is gone
};

constexpr size_t kNumKinds = static_cast<size_t>(OperationKind::kOther) + 1;
using Row = std::array<Rule, kNumKinds>;

/// What ours, the row, makes of theirs, the columns in the order of OperationKind.
Row RuleRow(OperationKind ours) {
  // One letter per rule, for the table. NOLINTBEGIN(readability-identifier-naming)
  constexpr Rule o = Rule::kOk, F = Rule::kFail, R = Rule::kRetry, f = Rule::kRetrySameFragment,
                 k = Rule::kRetrySameKey, v = Rule::kRetryMoved, m = Rule::kMerge;
  // NOLINTEND(readability-identifier-naming)
  // clang-format off
  switch (ours) {
    //                          Ap De Up Ov Rw RF Rs Me Pr CI UC DR UB Other
    case OperationKind::kAppend:
      return                   {o, o, o, F, o, o, F, o, o, o, o, o, o, F};
    case OperationKind::kDelete:
      return                   {o, m, m, F, f, o, F, f, o, o, o, f, o, F};
    case OperationKind::kUpdate:
      return                   {o, m, m, F, f, o, F, R, o, o, o, f, o, F};
    case OperationKind::kOverwrite:
      return                   {o, o, o, R, o, o, o, o, o, o, k, o, o, F};
    case OperationKind::kRewrite:
      return                   {o, f, f, F, f, o, F, R, o, v, o, f, o, F};
    case OperationKind::kReserveFragments:
      return                   {o, o, o, F, o, o, F, o, o, o, o, o, o, F};
    case OperationKind::kRestore:
      return                   {o, o, o, o, o, o, o, o, o, o, o, o, o, o};
    default:  // nothing else is committed here
      return                   {F, F, F, F, F, F, F, F, F, F, F, F, F, F};
  }
  // clang-format on
}

template <typename T>
bool Meet(const std::vector<T>& a, const std::vector<T>& b) {
  std::vector<T> common;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(common));
  return !common.empty();
}

bool SameFragment(const TransactionSummary& a, const TransactionSummary& b) {
  return Meet(a.fragments, b.fragments);
}

bool SameKey(const TransactionSummary& ours, const TransactionSummary& theirs) {
  if (theirs.replaces_config) return !ours.config_keys.empty();
  return Meet(ours.config_keys, theirs.config_keys);
}

Verdict RetryIf(bool condition) { return condition ? Verdict::kRetry : Verdict::kOk; }

}  // namespace

Verdict CheckConflict(const TransactionSummary& ours, const TransactionSummary& theirs,
                      bool stable_row_ids) {
  switch (RuleRow(ours.kind)[static_cast<size_t>(theirs.kind)]) {
    case Rule::kOk:
      return Verdict::kOk;
    case Rule::kFail:
      return Verdict::kFail;
    case Rule::kRetry:
      return Verdict::kRetry;
    case Rule::kRetrySameFragment:
      return RetryIf(SameFragment(ours, theirs));
    case Rule::kRetrySameKey:
      return RetryIf(SameKey(ours, theirs));
    case Rule::kRetryMoved:
      return RetryIf(!stable_row_ids && SameFragment(ours, theirs));
    case Rule::kMerge:
      break;
  }
  if (Meet(ours.removed, theirs.fragments) || Meet(ours.fragments, theirs.removed)) {
    return Verdict::kRetry;
  }
  return SameFragment(ours, theirs) ? Verdict::kMerge : Verdict::kOk;
}

arrow::Status ConflictError(const TransactionSummary& ours, const TransactionSummary& theirs,
                            uint64_t their_version, Verdict verdict) {
  const std::string version = std::to_string(their_version);
  const char* advice =
      verdict == Verdict::kFail
          ? "; what was to be committed was made for another table than that: open "
            "the new version and see whether it is still wanted"
          : "; nothing was changed: do the operation again on the new version";
  return MakeError(ErrorKind::kCommitConflict,
                   ours.operation + " of version " + std::to_string(ours.read_version) +
                       " conflicts with version " + version + ", which another writer committed (" +
                       theirs.operation + ", transaction " + theirs.uuid + ")" + advice,
                   {.version = their_version});
}

}  // namespace pilum::dataset
